// Bodies that callers of each dialect may send, with every member that has a meaning somewhere.

const png = 'iVBORw0KGgo='
const pdf = 'JVBERi0='
const schema = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] }

/** By dialect: with tools, with media, with a form of the answer. */
export const bodies = {
  openai: [
    {
      model: 'm',
      messages: [
        { role: 'system', content: 'be kind', name: 'rules' },
        { role: 'developer', content: [{ type: 'text', text: 'be short' }] },
        { role: 'user', content: [{ type: 'text', text: 'hi' }], name: 'ann' },
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'I look' },
            { type: 'refusal', refusal: 'not that' },
          ],
          reasoning_content: 'hm',
          tool_calls: [
            { id: 'call_a', type: 'function', function: { name: 'weather', arguments: '{"n":1.0}' } },
            { id: 'call_b', type: 'function', function: { name: 'weather', arguments: '{}' } },
          ],
        },
        { role: 'tool', tool_call_id: 'call_a', content: 'sunny' },
        { role: 'tool', tool_call_id: 'call_b', content: [{ type: 'text', text: 'rain' }] },
        { role: 'user', content: 'so?' },
      ],
      tools: [
        {
          type: 'function',
          function: { name: 'weather', description: 'Tells.', parameters: schema, strict: true },
        },
      ],
      tool_choice: { type: 'function', function: { name: 'weather' } },
      parallel_tool_calls: false,
      max_completion_tokens: 2048,
      temperature: 0.5,
      top_p: 0.75,
      top_k: 20,
      min_p: 0.125,
      seed: 7,
      frequency_penalty: 0.25,
      presence_penalty: -0.25,
      logit_bias: { '50256': -100 },
      stop: ['END', 'STOP'],
      logprobs: true,
      top_logprobs: 2,
      user: 'u1',
      metadata: { team: 'red' },
      service_tier: 'flex',
      stream_options: { include_usage: true },
    },
    {
      model: 'm',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'see' },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${png}`, detail: 'low' } },
            { type: 'file', file: { file_data: `data:application/pdf;base64,${pdf}`, filename: 'a.pdf' } },
          ],
        },
      ],
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'form', description: 'A form.', schema, strict: true },
      },
      reasoning_effort: 'high',
      max_tokens: 30_000,
    },
    {
      model: 'm',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'hear' },
            { type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } },
          ],
        },
      ],
      tools: [
        { type: 'function', function: { name: 'a' } },
        { type: 'function', function: { name: 'b' } },
      ],
      tool_choice: {
        type: 'allowed_tools',
        allowed_tools: { mode: 'required', tools: [{ type: 'function', function: { name: 'a' } }] },
      },
      response_format: { type: 'json_object' },
    },
    {
      model: 'm',
      messages: [
        { role: 'user', content: 'hi' },
        { role: 'assistant', content: null, function_call: { name: 'old', arguments: '{}' } },
        { role: 'function', name: 'old', content: 'done' },
      ],
      functions: [{ name: 'old', description: 'Old.', parameters: schema }],
      function_call: { name: 'old' },
    },
  ],
  responses: [
    {
      model: 'm',
      instructions: 'be kind',
      input: [
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hi' }] },
        {
          type: 'reasoning',
          id: 'rs_1',
          summary: [{ type: 'summary_text', text: 'hm' }],
          encrypted_content: 'enc',
        },
        {
          type: 'message',
          id: 'msg_1',
          status: 'completed',
          role: 'assistant',
          content: [{ type: 'output_text', text: 'I look', annotations: [] }],
        },
        {
          type: 'function_call',
          id: 'fc_1',
          status: 'completed',
          call_id: 'call_a',
          name: 'weather',
          arguments: '{"n":1.0}',
        },
        { type: 'function_call_output', call_id: 'call_a', output: 'sunny' },
        { type: 'message', role: 'developer', content: 'be short' },
        { role: 'user', content: 'so?' },
      ],
      tools: [{ type: 'function', name: 'weather', description: 'Tells.', parameters: schema, strict: true }],
      tool_choice: { type: 'function', name: 'weather' },
      parallel_tool_calls: false,
      max_output_tokens: 2048,
      temperature: 0.5,
      top_p: 0.75,
      top_logprobs: 2,
      user: 'u1',
      metadata: { team: 'red' },
      service_tier: 'flex',
      store: false,
      truncation: 'auto',
    },
    {
      model: 'm',
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'see' },
            { type: 'input_image', image_url: `data:image/png;base64,${png}`, detail: 'low' },
            { type: 'input_file', file_data: `data:application/pdf;base64,${pdf}`, filename: 'a.pdf' },
          ],
        },
      ],
      text: { format: { type: 'json_schema', name: 'form', schema, strict: true }, verbosity: 'low' },
      reasoning: { effort: 'high', summary: 'auto' },
      max_output_tokens: 30_000,
    },
  ],
  anthropic: [
    {
      model: 'm',
      max_tokens: 30_000,
      system: [{ type: 'text', text: 'be kind', cache_control: { type: 'ephemeral', ttl: '1h' } }],
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'hi' }] },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'hm', signature: 'sig' },
            { type: 'text', text: 'I look' },
            { type: 'tool_use', id: 'toolu_a', name: 'weather', input: { n: 1 } },
            { type: 'tool_use', id: 'toolu_b', name: 'weather', input: {} },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'toolu_a', content: 'sunny' },
            {
              type: 'tool_result',
              tool_use_id: 'toolu_b',
              content: [{ type: 'text', text: 'rain' }],
              is_error: true,
            },
            { type: 'text', text: 'so?' },
          ],
        },
      ],
      tools: [
        {
          name: 'weather',
          description: 'Tells.',
          input_schema: schema,
          cache_control: { type: 'ephemeral' },
        },
      ],
      tool_choice: { type: 'auto', disable_parallel_tool_use: true },
      thinking: { type: 'enabled', budget_tokens: 2048 },
      stop_sequences: ['END'],
      metadata: { user_id: 'u1' },
      service_tier: 'standard_only',
    },
    {
      model: 'm',
      max_tokens: 9,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'see' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } },
            {
              type: 'document',
              source: { type: 'base64', media_type: 'application/pdf', data: pdf },
              title: 'a.pdf',
            },
          ],
        },
      ],
      output_config: { format: { type: 'json_schema', schema }, effort: 'high' },
      temperature: 0.5,
      top_p: 0.75,
      top_k: 20,
    },
    {
      model: 'm',
      max_tokens: 9,
      messages: [{ role: 'user', content: 'hi' }],
      tools: [{ name: 'weather', input_schema: schema, strict: true }],
      tool_choice: { type: 'tool', name: 'weather' },
    },
  ],
  gemini: [
    {
      systemInstruction: { parts: [{ text: 'be kind' }] },
      contents: [
        { role: 'user', parts: [{ text: 'hi' }] },
        {
          role: 'model',
          parts: [
            { text: 'hm', thought: true },
            { text: 'I look' },
            { functionCall: { id: 'call_a', name: 'weather', args: { n: 1 } }, thoughtSignature: 'c2ln' },
          ],
        },
        {
          role: 'user',
          parts: [{ functionResponse: { id: 'call_a', name: 'weather', response: { output: 'sunny' } } }],
        },
        { role: 'user', parts: [{ text: 'so?' }] },
      ],
      tools: [
        { functionDeclarations: [{ name: 'weather', description: 'Tells.', parametersJsonSchema: schema }] },
      ],
      toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['weather'] } },
      generationConfig: {
        temperature: 0.5,
        topP: 0.75,
        topK: 20,
        seed: 7,
        frequencyPenalty: 0.25,
        presencePenalty: -0.25,
        stopSequences: ['END'],
        maxOutputTokens: 2048,
        responseLogprobs: true,
        logprobs: 2,
      },
    },
    {
      contents: [
        {
          role: 'user',
          parts: [
            { text: 'see' },
            { inlineData: { mimeType: 'image/png', data: png } },
            { inlineData: { mimeType: 'application/pdf', data: pdf, displayName: 'a.pdf' } },
          ],
        },
      ],
      safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }],
      generationConfig: {
        responseMimeType: 'application/json',
        responseJsonSchema: schema,
        thinkingConfig: { thinkingBudget: 2048, includeThoughts: true },
        maxOutputTokens: 30_000,
        mediaResolution: 'MEDIA_RESOLUTION_LOW',
      },
    },
  ],
  ollama: [
    {
      model: 'm',
      messages: [
        { role: 'system', content: 'be kind' },
        { role: 'user', content: 'hi' },
        {
          role: 'assistant',
          content: 'I look',
          thinking: 'hm',
          tool_calls: [{ id: 'call_a', function: { name: 'weather', arguments: { n: 1 } } }],
        },
        { role: 'tool', tool_name: 'weather', tool_call_id: 'call_a', content: 'sunny' },
        { role: 'user', content: 'so?', images: [png] },
      ],
      tools: [{ type: 'function', function: { name: 'weather', description: 'Tells.', parameters: schema } }],
      options: {
        temperature: 0.5,
        top_p: 0.75,
        top_k: 20,
        min_p: 0.125,
        seed: 7,
        frequency_penalty: 0.25,
        presence_penalty: -0.25,
        stop: ['END'],
        num_predict: 2048,
        num_ctx: 4096,
      },
      logprobs: true,
      top_logprobs: 2,
      keep_alive: '5m',
    },
    { model: 'm', messages: [{ role: 'user', content: 'hi' }], format: schema, think: 'high', stream: false },
  ],
} as const satisfies Readonly<Record<string, readonly object[]>>
