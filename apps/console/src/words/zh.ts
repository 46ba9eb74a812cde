// The same in Chinese.
import type { en } from './en.ts'
import type { Shape } from './index.ts'

export const zh: Shape<typeof en> = {
  signIn: {
    title: '登录',
    email: '电子邮箱',
    password: '密码',
    submit: '登录',
    or: '或',
    by: '使用 {{provider}} 登录',
    forgotten: '忘记密码时，请向管理员索取重置链接。',
    first: '首次启动？请打开服务器启动时打印的设置链接。',
    ended: '会话已结束。重新登录即可继续，本页内容不会丢失。',
  },
  shell: {
    signOut: '退出登录',
    language: '语言',
    theme: '主题',
    light: '浅色',
    dark: '深色',
    system: '跟随系统',
    workspace: '工作区',
    everywhere: '全部工作区',
    skip: '跳到正文',
    menu: '导航',
    account: '账户',
    stale: '自 {{time}} 起不再实时更新，正在重试。',
  },
  screens: {
    overview: '概览',
    usage: '用量与费用',
    deploy: '部署模型',
    library: '模型库',
  },
  groups: {
    serving: '模型',
    gateway: '网关',
    people: '人员与权限',
    money: '费用',
    places: '基础设施',
    other: '更多',
  },
  list: {
    search: '搜索名称',
    labels: '标签，例如 team=a',
    none: '这里还没有{{kinds}}。',
    noneFound: '没有匹配的结果。',
    forbidden: '您无权查看这里的{{kinds}}。',
    needs: '需要权限 {{permission}}。',
    again: '重试',
    columns: '列',
    csv: 'CSV',
    name: '名称',
    workspace: '工作区',
    age: '创建于',
    count_one: '{{count}} 项',
    count_other: '{{count}} 项',
  },
  faults: {
    offline: '无法连接服务器。',
  },
  page: {
    lost: '此地址没有内容。',
    home: '前往概览',
    broken: '页面出错。',
  },
}
