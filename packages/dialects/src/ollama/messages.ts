// Writes turns as Ollama's messages: one text and its images each, arguments as objects.
import type { Part, Turn } from '../conversation.ts'
import type { Losses } from '../losses.ts'
import { readMedia } from '../media.ts'
import { toolName } from '../openai/chat/names.ts'
import { type Json, objectArgs, Verbatim } from '../raw.ts'
import { failedText, type ToolCall, tidyTurns } from '../results.ts'

type Message = Record<string, Json>

export function writeMessages(turns: readonly Turn[], losses: Losses): readonly Message[] {
  const messages: Message[] = []
  const names = new Map<string, string>()
  for (const { role, parts } of tidyTurns(turns)) {
    if (role === 'assistant') {
      const calls = parts.filter(part => part.type === 'toolCall')
      for (const { id, name } of calls) names.set(id, toolName(name))
      messages.push(writeAssistant(parts, calls, losses))
      continue
    }
    for (const result of parts.filter(part => part.type === 'toolResult')) {
      const content = textOf(result.parts, '\n')
      messages.push({
        role: 'tool',
        content: result.isError ? failedText(content) : content,
        images: imagesOf(result.parts, losses),
        tool_name: names.get(result.callId) ?? result.name,
        tool_call_id: result.callId,
      })
    }
    const rest = parts.filter(part => part.type !== 'toolResult')
    if (rest.length === 0) continue
    messages.push({
      role: role === 'system' ? 'system' : 'user',
      content: textOf(rest, '\n'),
      images: imagesOf(rest, losses),
    })
  }
  return messages
}

function writeAssistant(parts: readonly Part[], calls: readonly ToolCall[], losses: Losses): Message {
  const thinking = parts.flatMap(part => (part.type === 'reasoning' ? [part.text ?? ''] : [])).join('')
  return {
    role: 'assistant',
    content: textOf(parts, ''),
    images: imagesOf(
      parts.filter(part => part.type !== 'reasoning' && part.type !== 'toolCall'),
      losses,
    ),
    thinking: thinking === '' ? undefined : thinking,
    tool_calls:
      calls.length > 0
        ? calls.map((call, at) => writeCall({ ...call, name: toolName(call.name) }, at))
        : undefined,
  }
}

export function writeCall({ id, name, args }: ToolCall, index: number): Message {
  return { id, function: { index, name, arguments: new Verbatim(objectArgs(args)) } }
}

function textOf(parts: readonly Part[], between: string): string {
  return parts
    .flatMap(part => (part.type === 'text' || part.type === 'refusal' ? [part.text] : []))
    .join(between)
}

function imagesOf(parts: readonly Part[], losses: Losses): Json {
  const images = parts.flatMap(part => {
    if (part.type === 'text' || part.type === 'refusal') return []
    if (part.type !== 'image') throw losses.refusal(part.type, 'Ollama takes text and images alone')
    const source = 'url' in part.source ? readMedia(part.source.url) : part.source
    if (!('base64' in source)) throw losses.refusal('image', 'Ollama takes images in base64, not by address')
    return [source.base64]
  })
  return images.length > 0 ? images : undefined
}
