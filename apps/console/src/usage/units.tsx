// What is counted, in words.
import { usePreferences } from '../preferences.ts'
import type { Language } from '../words/index.ts'

const names: Readonly<Record<string, readonly [en: string, zh: string]>> = {
  'tok.in.*': ['tokens in, every other class', '其余各类输入 token'],
  'tok.in.uncached': ['tokens in', '输入 token'],
  'tok.in.cache_read': ['tokens in, read from a cache', '输入 token（缓存命中）'],
  'tok.in.cache_read_audio': ['sound tokens in, read from a cache', '音频输入 token（缓存命中）'],
  'tok.in.cache_write_5m': ['tokens in, cached for 5 minutes', '输入 token（写入缓存 5 分钟）'],
  'tok.in.cache_write_1h': ['tokens in, cached for an hour', '输入 token（写入缓存 1 小时）'],
  'tok.in.image': ['image tokens in', '图像输入 token'],
  'tok.in.audio': ['sound tokens in', '音频输入 token'],
  'tok.in.video': ['video tokens in', '视频输入 token'],
  'tok.out.*': ['tokens out, every other class', '其余各类输出 token'],
  'tok.out.text': ['tokens out', '输出 token'],
  'tok.out.reasoning': ['tokens out, of reasoning', '推理过程输出 token'],
  'tok.out.audio': ['sound tokens out', '音频输出 token'],
  'tok.out.image': ['image tokens out', '图像输出 token'],
  'img.out.count': ['images', '生成图像张数'],
  'img.out.px': ['pixels of images', '生成图像像素'],
  'audio.in.ms': ['milliseconds of sound', '输入音频毫秒数'],
  'char.in': ['characters', '输入字符'],
  req: ['requests', '请求'],
  'doc.ranked': ['documents ranked', '重排文档数'],
}

/** By its own name where it has no other. */
export function unitName(unit: string, language: Language): string {
  const named = names[unit]
  return named === undefined ? unit : language === 'zh' ? named[1] : named[0]
}

export function Unit({ unit }: { readonly unit: string }) {
  const { language } = usePreferences()
  return <span title={unit}>{unitName(unit, language)}</span>
}
