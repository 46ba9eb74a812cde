// How kinds are called, and where they stand in the navigation. A kind without a line here goes by its own name.
import type { KindInfo } from '../api/catalogue.ts'
import type { Language } from '../words/index.ts'

export const groups = ['serving', 'gateway', 'people', 'money', 'places', 'other'] as const
export type Group = (typeof groups)[number]

interface Named {
  readonly group: Group
  readonly en: readonly [one: string, many: string]
  readonly zh: string
}

const names: Readonly<Record<string, Named>> = {
  Endpoint: { group: 'serving', en: ['endpoint', 'endpoints'], zh: '推理端点' },
  Model: { group: 'serving', en: ['model', 'models'], zh: '模型' },
  ModelRegistry: { group: 'serving', en: ['model registry', 'model registries'], zh: '模型仓库' },
  Engine: { group: 'serving', en: ['engine', 'engines'], zh: '推理引擎' },
  Revision: { group: 'serving', en: ['revision', 'revisions'], zh: '修订版本' },
  Replica: { group: 'serving', en: ['replica', 'replicas'], zh: '副本' },
  Route: { group: 'gateway', en: ['route', 'routes'], zh: '路由' },
  Provider: { group: 'gateway', en: ['provider', 'providers'], zh: '外部提供商' },
  Credential: { group: 'gateway', en: ['credential', 'credentials'], zh: '凭据' },
  Guardrail: { group: 'gateway', en: ['guardrail', 'guardrails'], zh: '护栏' },
  McpServer: { group: 'gateway', en: ['MCP server', 'MCP servers'], zh: 'MCP 服务器' },
  Issuer: { group: 'gateway', en: ['token issuer', 'token issuers'], zh: '令牌签发方' },
  ApiKey: { group: 'gateway', en: ['API key', 'API keys'], zh: 'API 密钥' },
  User: { group: 'people', en: ['user', 'users'], zh: '用户' },
  ServiceAccount: { group: 'people', en: ['service account', 'service accounts'], zh: '服务账号' },
  Role: { group: 'people', en: ['role', 'roles'], zh: '角色' },
  RoleAssignment: { group: 'people', en: ['role assignment', 'role assignments'], zh: '角色分配' },
  IdentityProvider: { group: 'people', en: ['identity provider', 'identity providers'], zh: '身份提供方' },
  Workspace: { group: 'people', en: ['workspace', 'workspaces'], zh: '工作区' },
  Project: { group: 'people', en: ['project', 'projects'], zh: '项目' },
  PriceBook: { group: 'money', en: ['price book', 'price books'], zh: '价格表' },
  Budget: { group: 'money', en: ['budget', 'budgets'], zh: '预算' },
  LegalEntity: { group: 'money', en: ['legal entity', 'legal entities'], zh: '法律主体' },
  Cluster: { group: 'places', en: ['cluster', 'clusters'], zh: '集群' },
  Quota: { group: 'places', en: ['quota', 'quotas'], zh: '配额' },
}

export const groupOf = ({ kind }: KindInfo): Group => names[kind]?.group ?? 'other'

/** `MCP servers`: as a title, where a sentence would begin. */
const raised = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

export function oneOf({ kind }: KindInfo, language: Language): string {
  const named = names[kind]
  return named === undefined ? kind : language === 'zh' ? named.zh : named.en[0]
}

export function manyOf({ kind, plural }: KindInfo, language: Language): string {
  const named = names[kind]
  return named === undefined ? plural : language === 'zh' ? named.zh : named.en[1]
}

export const titleOf = (kind: KindInfo, language: Language): string => raised(manyOf(kind, language))

/** Where a document of the platform stands in an address. */
export const onPlatform = '-'
