// What a model may be for, and an engine may serve. Stands alone, so that a browser may take it without schemas.
export const tasks = [
  'chat',
  'completion',
  'embedding',
  'rerank',
  'transcription',
  'speech',
  'image',
  'other',
] as const
