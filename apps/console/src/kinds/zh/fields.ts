// Names of fields, as labels.

const parts = `
accelerator 加速器|access 访问范围|action 处置方式|active 生效数|address 地址|addresses 地址限制|alerts 告警阈值|algorithms 签名算法|alive 存活探针|
allow 允许|allowCidrs 允许的地址段|allowedDomains 允许的域名|amount 金额|answerMs 应答时限|archived 已归档|arguments 参数|argv 启动命令行|assignment 分配|
at 时间|attempts 尝试次数|audiences 受众|bank 银行账户|baseUrl 基础地址|billing 计费|binary 程序|blocked 护栏拦截|bodyBytes 请求体上限|borrow 可借入|
borrowed 已借入|burst 突发量|buyer 付款方|bytes 字节数|ca CA 证书|cache 缓存|cap 最高消费|capabilities 能力|capacity 总量|charge 计价方式|checkSeconds 检查间隔（秒）|
checkedAt 检查时间|claim 声明|claims 声明映射|clientId 客户端 ID|cluster 集群|cohort 配额组|command 命令|commitAfter 提前发送|concurrency 并发数|
conditions 状况|contacts 联系人|context 上下文|contextTokens 上下文长度|cpu CPU 线程数|cpus CPU 数|credential 凭据|credit 信用额度|creditPrefix 贷项通知单前缀|
currency 币种|deadline 截止时间|declared 声明数|deny 拒绝|desired 期望数|devices 设备|digest 摘要值|disabled 已禁用|disconnect 调用方断开|discounts 折扣|
doc 说明|drain 排空|drainSeconds 排空时限（秒）|draining 排空中|dueDays 付款期限（天）|each 逐个|email 电子邮箱|embeddings 向量|endpoint 推理端点|engine 推理引擎|
entity 法律主体|env 环境变量|everReady 曾经就绪|exitCode 退出码|expiresAt 到期时间|expose 公开上游|exposeModel 回答中的模型名|extraArgs 附加参数|facts 模型信息|
failure 失败|failures 失败模式|fallback 回退|fees 固定费用|fetchImages 代取图片|files 文件|fingerprint 指纹|firstContentMs 首内容时限|firstReadyAt 首次就绪|flag 参数名|
flat 一次性费用|flavors 设备额度|forecast 预测|format 格式|formats 格式|free 空闲|from 起始|generationSeconds 生成探测（秒）|graceHours 宽限期（小时）|group 用户组|
groupRoles 用户组角色|groups 用户组|guardrails 护栏|hash 哈希|headers 请求头|hedge 对冲请求|history 保留的修订数|hold 等待队列|id 标识|identities 外部身份|idleMs 空闲时限|
idleSeconds 休眠前空闲（秒）|ids 设备编号|inputTokens 输入 token|invoice 账单|invoicePrefix 账单前缀|issue 开具方式|issuer 签发方|jwks 公钥集|jwksUri 公钥地址|key 密钥|keys 密钥|
kind 类型|last4 末四位|lastLoginAt 最近登录|lastProgressAt 最近进展|lastReady 最近就绪数|lastSeenAt 最近在线|lastTransitionTime 最近变更|lastUsedAt 最近使用|lend 可借出|
lent 已借出|license 许可证|limit 上限|limits 限制|listenMs 监听时限|locale 语言|lockedUntil 锁定至|log 日志|lora LoRA 适配|lost 网关丢失|managed 由系统设定|match 匹配条件|
maxOutput 最大输出|maxSurge 最多超出|maxUnavailable 最多不可用|memory 内存|memoryBytes 内存（字节）|message 说明|metadata 元数据|metric 指标名|metrics 指标|minReadySeconds 最短就绪（秒）|
minimum 最低消费|mode 模式|model 模型|models 模型|money 金额限制|multiNode 多节点|name 名称|names 公开模型名|node 节点|nodes 节点|nominal 自有额度|number 编号|
observedGeneration 已处理的代次|onContentFilter 内容被过滤时|onContextLength 超出上下文时|onFailure 检查失败时|onStoreLoss 余额不可读时|openAmount 放行金额|ordinal 序号|
outputTokens 输出 token|owed 待归还|owner 所有者|password 密码|path 路径|pattern 模式|patterns 正则表达式|paused 已暂停|per 计价单位数|perDay 每天|perHour 每小时|perMinute 每分钟|
perMonth 每月|perSecond 每秒|perWeek 每周|percent 百分比|period 周期|permissions 权限|phase 状态|placed 已调度|previousUntil 旧密钥有效至|price 价格|priority 优先级|
probes 探针|product 设备型号|project 项目|projects 项目|provider 外部提供商|provision 自动开户|publicId 公开标识|publish 发布方式|publishedAt 发布时间|publishedBy 发布人|
publishedGeneration 发布的代次|rates 价格|readOnly 只读|reading 读取进度|ready 就绪|readyAt 就绪时间|reason 原因|region 区域|registry 模型仓库|renderer 渲染器|replay 回放方式|replicas 副本|
requests 请求数|reserved 已占用|resources 资源|restarts 重启次数|retries 重试|revision 修订版本|revisions 修订版本|role 角色|roles 角色|rollout 发布策略|rotate 轮换|publish 发布|unlock 解锁|rotatedAt 轮换时间|rounding 舍入方式|
route 路由|schema JSON Schema 约束|scope 共享范围|scopes 授权范围|seconds 秒数|sensitivity 灵敏度|sequences 并发序列|set 已填写|sha256 SHA-256 摘要|shadow 影子请求|share 共享|side 价格类别|
signal 信号|signals 信号|similarity 相似度|since 起始版本|source 来源|spent 已用金额|stage 检查阶段|stallMs 停滞时限|stallSeconds 停滞时限（秒）|start 启动命令|startedAt 启动时间|
starting 启动中|startupSeconds 启动时限（秒）|state 状态|status 状态|steps 阶梯|storeResponses 保存响应|strategy 分流策略|strict 严格转换|style 书写方式|subject 主体|suspended 已停用|
tags 标签|target 目标|targets 目标|task 任务|tasks 任务|taxInclusive 价格含税|taxNumber 税号|taxes 税率|template 模板|tier 处理方式|tiers 分层|timeoutMs 时限（毫秒）|timeouts 时限|
timezone 时区|to 结束|tokens token 数|told 已告警|tools 工具|total 总数|totalMs 总时限|ttlSeconds 有效期（秒）|type 类型|types 信息类型|unit 计量项|unknown 未知数|until 截止版本|upTo 上限|
upstream 上游名称|url 地址|urls 地址|used 已使用|username 用户名|value 值|values 取值对照|version 版本|versions 版本|weight 权重|words 词语|workspace 工作区
`

/** The name of a field ends at the first space. */
export const fields: Readonly<Record<string, string>> = Object.fromEntries(
  parts
    .replaceAll('\n', '')
    .split('|')
    .map(row => [row.slice(0, row.indexOf(' ')), row.slice(row.indexOf(' ') + 1)]),
)
