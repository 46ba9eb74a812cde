// The languages of the console, and the one that is spoken. Words that only one room says stand in that room
// (`words.ts`) and come with it: `useTranslation('room')`.
import type { Locale } from 'antd/es/locale'
import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'
import { learnChinese } from '../kinds/said.ts'
import { en } from './en.ts'
import { zh } from './zh.ts'

export const languages = { en: 'English', zh: '中文' } as const
export type Language = keyof typeof languages

/** The same keys, in any words. */
export type Shape<T> = { readonly [K in keyof T]: T[K] extends string ? string : Shape<T[K]> }

/** What can be said: each room adds its own name. */
export interface Rooms {
  readonly translation: typeof en
}

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: Rooms
  }
}

export async function speak(language: Language): Promise<void> {
  if (language === 'zh') await learnChinese()
  await i18next.use(initReactI18next).init({
    lng: language,
    fallbackLng: 'en',
    resources: { en: { translation: en }, zh: { translation: zh } },
    interpolation: { escapeValue: false }, // React escapes
  })
}

/** Words of a room, known from here on. */
export function teach<T extends object>(
  room: Exclude<keyof Rooms, 'translation'>,
  english: T,
  chinese: Shape<T>,
): void {
  i18next.addResourceBundle('en', room, english)
  i18next.addResourceBundle('zh', room, chinese)
}

/** The words of the widgets: English ones come with them. */
export const localeOf = async (language: Language): Promise<Locale | undefined> =>
  language === 'zh' ? (await import('antd/locale/zh_CN')).default : undefined

export async function speakIn(language: Language): Promise<void> {
  if (language === 'zh') await learnChinese()
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
  await i18next.changeLanguage(language)
}
