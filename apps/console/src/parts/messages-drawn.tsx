// Draws messages as Ant Design does, in the theme of the page.
import { message } from 'antd'
import { useEffect } from 'react'
import { drawn } from './messages.ts'

export default function MessagesDrawn() {
  const [{ open }, holder] = message.useMessage()
  useEffect(() => drawn(one => void open(one)), [open])
  return holder
}
