// Chinese for the checks of the doctor, by name: what each asserts, and what to do where it is not so.

interface CheckWords {
  readonly asserts: string
  readonly todo: string
}

export const checks: Readonly<Record<string, CheckWords>> = {
  files: {
    asserts: '数据目录及其机密文件只对所有者开放。',
    todo: '对目录执行 `chmod 700`，对列出的文件执行 `chmod 600`；如果他人可能读过，请更换密钥。',
  },
  disk: {
    asserts: '数据目录所在磁盘有足够空间，尤其是用量日志。',
    todo: '请清理空间或迁移数据目录：没有空间时，网关会拒绝无法记录的请求。',
  },
  journal: {
    asserts: '用量在一分钟内写入数据库。',
    todo: '日志中的 `usage_not_shipped` 会说明原因。只要磁盘有空间，用量就不会丢失。',
  },
  gateway: {
    asserts: '网关正常服务，没有降级。',
    todo: '每句话说明一处异常；处理办法见 docs/operations.md。',
  },
  migrations: {
    asserts: '数据库结构与本程序一致。',
    todo: '请启动曾在此数据库上运行过的最新版本服务器。',
  },
  clock: {
    asserts: '服务器与数据库的时钟相差不超过 2 秒。',
    todo: '请让两者同步到时间服务器：到期时间可能依据任意一方的时钟。',
  },
  master_keys: {
    asserts: '仍在使用的每个主密钥版本都能在此打开。',
    todo: '请按 `switchyard admin keys list` 的名称放回根密钥，方法见 docs/secrets.md。',
  },
  sealed_values: {
    asserts: '每个密封的机密都能打开。',
    todo: '请重新写入该凭据的值；列出的是其文档编号。',
  },
  walls: {
    asserts: '每张表都启用了行级安全，对所有者也生效。',
    todo: '有人改动了结构：请以超级用户执行 `alter table … enable row level security, force row level security`，并查明是谁。',
  },
  roles: {
    asserts: '服务器的数据库角色不能登录、绕过策略或创建角色。',
    todo: '请以超级用户收回：`alter role … nologin nosuperuser nobypassrls nocreaterole`。',
  },
  workspaces: {
    asserts: '每个对象都属于存在的工作区。',
    todo: '请从备份恢复这些工作区，或删除列出的对象。',
  },
  log_of_changes: {
    asserts: '没有比变更日志更新的对象。',
    todo: '数据库只恢复了一部分：请完整恢复，然后重启所有服务器。',
  },
  grants: {
    asserts: '每项授权都来自存在的角色分配。',
    todo: '请重新写入角色（`switchyard get role NAME -o yaml | switchyard apply -f -`）；若仍存在，请从备份恢复。',
  },
  api_keys: {
    asserts: '每个 API 密钥都有用于比对的哈希。',
    todo: '这样的密钥无法使用：`switchyard keys rotate NAME` 会生成新密钥。',
  },
  credentials: { asserts: '凭据声明的每个机密都已保存。', todo: '请重新写入该凭据的值。' },
  signing_keys: {
    asserts: '会话签名密钥没有明文保存。',
    todo: '请重启服务器以密封它们，并在 30 天内将较早的数据库备份视为机密。',
  },
  quarantine: { asserts: '没有用量滞留在隔离区。', todo: '请查看 `usage_quarantine`：其中的用量尚未计费。' },
  batches: {
    asserts: '用量批次编号连续，只有最后一个未封存。',
    todo: '请保留数据库副本并与上一份备份比较：服务器的任何语句都不会留下空号。',
  },
  batches_sealed: {
    asserts: '用量批次关闭后一分钟内封存。',
    todo: '是否有服务器在封存？日志中的 `sealing_failed` 会说明原因。',
  },
  batches_whole: {
    asserts: '最近的用量批次与封存时的事件和根哈希一致，也没有后来的事件。',
    todo: '请保留数据库副本：事件被绕过服务器修改。用量归档中保存着封存时的内容。',
  },
  rollups: {
    asserts: '今天和昨天的用量汇总与事件一致。',
    todo: '请根据事件重新计算汇总（`usage:rebuild`），以事件为准。',
  },
  nothing_charged: {
    asserts: '今天和昨天只有价格写为“0”的用量金额为零。',
    todo: '价格相对其 `per` 过小，单个请求被舍入为零：请减小 `per`；若确实免费，请写“0”。',
  },
  charges: {
    asserts: '今天和昨天的每笔扣款都对应一个事件及其金额。',
    todo: '请保留数据库副本，并通过更正分录调整差额。',
  },
  ledger_sums: {
    asserts: '每笔交易在各币种上的分录合计为零。',
    todo: '请停止扣款，保留数据库副本，并与上一份备份比较：服务器的任何语句都不会写出这样的分录。',
  },
  balances: {
    asserts: '每个账户的余额等于其分录之和。',
    todo: '请保留数据库副本，并过账更正，使账户回到分录之和。',
  },
  held: {
    asserts: '账户的冻结金额等于其未结冻结与切片之和。',
    todo: '请保留数据库副本：某笔冻结被处理了两次或没有处理。列出的是工作区名称。',
  },
  overruns: {
    asserts: '没有账户的实际用量明显超出为其冻结的金额。',
    todo: '请查看哪个模型的输出超出冻结：为其设置 `maxOutput`，或设置合适的输入上限。',
  },
  orphans: {
    asserts: '没有资金被已消失的网关占用。',
    todo: '请在该网关的数据目录上启动服务器：其日志记录了用量。一天没有踪迹后会核销。',
  },
  holds: {
    asserts: '每笔已结束的冻结都说明了结果。',
    todo: '请保留数据库副本：某笔没有结果的冻结被手工处理过。',
  },
  invoice_numbers: {
    asserts: '各法律主体每年的账单和贷项凭证编号连续。',
    todo: '请保留数据库副本并与上一份备份比较：已开具的账单被绕过服务器删除。',
  },
  audit_dense: {
    asserts: '审计日志没有缺口，其头部涵盖每条记录。',
    todo: '`switchyard audit verify` 会指出被改动的位置；请从归档恢复缺失的内容。',
  },
  audit_counts: {
    asserts: '各工作区的记录与审计日志一致。',
    todo: '`switchyard audit verify` 会指出被改动的位置；请从归档恢复缺失的内容。',
  },
  audit_numbered: {
    asserts: '发生的事件在一分钟内编号。',
    todo: '是否有服务器在为审计日志编号？其日志中会有 `audit`。',
  },
}
