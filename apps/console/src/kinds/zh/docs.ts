// What each kind is, and what its actions do.

export const docs: Readonly<Record<string, string>> = {
  'Who issues invoices. Its documents are numbered without gaps in each year.':
    '开具账单的主体，其票据在每个年度内连续编号。',
  'A tenant. Documents, keys and usage of one workspace are never visible from another.':
    '租户。一个工作区的对象、密钥和用量对其他工作区不可见。',
  'A slice of a workspace that keys and bills hang on.': '工作区内的划分单元，密钥和账单可归属于它。',
  'A person who signs in. What they may do is granted by RoleAssignments.':
    '可登录的人员，其权限由角色分配授予。',
  'Forget the wrong passwords of the account, which may then be tried at once.':
    '清除该账户的密码错误记录，之后可立即重试登录。',
  "A machine's identity inside one workspace, owner of keys that no person should hold.":
    '工作区内供程序使用的身份，持有不应由个人保管的密钥。',
  'A named set of permissions, granted by a RoleAssignment.': '一组命名的权限，通过角色分配授予。',
  'Gives a role to a subject, in its workspace, or everywhere when it is a platform document.':
    '将角色授予某个主体，在所属工作区内生效；平台级的分配在所有工作区生效。',
  "A random secret that a program calls with. It may do its owner's rights, narrowed by its scopes and its workspace.":
    '程序调用时使用的随机密钥，拥有其所有者的权限，并受授权范围和所属工作区限制。',
  'Replace the secret; `overlapSeconds` keeps the old one working for 0 to 86,400 s.':
    '更换密钥；`overlapSeconds` 指定旧密钥继续有效的时间，0 到 86,400 秒。',
  "A secret for another system, such as a provider's API key. It is kept encrypted and never read back.":
    '访问其他系统所用的机密，例如提供商的 API 密钥。加密保存，写入后不可读取。',
  'An outside issuer of tokens (JWT) that callers may present in place of an API key.':
    '外部令牌（JWT）签发方，调用方可用其令牌代替 API 密钥。',
  'An outside provider of sign-in (OpenID Connect): people sign in there, and hold what their groups are given.':
    '外部登录服务（OpenID Connect）：人员在该处登录，并获得其用户组被授予的权限。',
  'A place where replicas run. `local` runs them as processes of this machine.':
    '运行副本的地方。`local` 表示以本机进程运行。',
  'A program that serves models, as data: versions, arguments, probes and metric names.':
    '提供模型服务的程序，以数据描述：版本、参数、探针和指标名称。',
  'A place where model files come from. `files` is a folder of the machine that serves.':
    '模型文件的来源。`files` 表示运行服务的机器上的目录。',
  'A model and where its bytes are.': '模型及其文件所在位置。',
  'How many replicas and devices a workspace may have, and how many it lends to and borrows from others of its cohort.':
    '工作区可拥有的副本数和设备数，以及可与同组工作区相互借用的数量。',
  'A model kept running on a cluster and reachable through the gateway by the name of the endpoint.':
    '在集群上持续运行的模型，可通过网关以端点名称调用。',
  'A rendered template of an endpoint, never changed after it is written.':
    '由端点生成的部署模板，写入后不再更改。',
  'One running copy of a revision.': '修订版本的一个运行实例。',
  'An outside service that serves models, and the credential that it is called with.':
    '提供模型的外部服务，以及调用它所用的凭据。',
  'A check of what is asked and answered through the routes that name it.':
    '对引用它的路由的请求和回答进行检查。',
  'A server of tools that is called at /mcp/NAME by the Model Context Protocol (streamable HTTP).':
    '工具服务器，通过模型上下文协议（MCP，可流式 HTTP）在 /mcp/NAME 调用。',
  'What callers reach by a public model name: upstreams in tiers, and what happens when one fails.':
    '调用方以公开模型名访问的目标：分层的上游，以及上游失败时的处理方式。',
  'What models cost: to callers, or to us.': '模型的价格：向调用方收取的售价，或我方承担的成本。',
  'Publish the book as it stands as its next version, which never changes.':
    '将价格表的当前内容发布为下一个版本，发布后不再更改。',
  'What a workspace, project, key or model may spend in a period: told at thresholds and by forecast. It refuses nothing: limits.money does.':
    '工作区、项目、密钥或模型在一个周期内的预算：达到阈值或预测超支时告警，但不拒绝请求；需要拒绝时请使用 limits.money。',
}
