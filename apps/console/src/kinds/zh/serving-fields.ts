// Fields of what serves models: clusters, engines, models, quotas and endpoints.

export const servingFields: Readonly<Record<string, string>> = {
  'How replicas are run.': '副本的运行方式。',
  'How far the file is read, while it is.': '正在读取文件时的进度。',
  'Devices that are not discovered. Of the accelerators named here, those discovered do not count.':
    '无法自动发现的设备。此处列出的加速器类型，其自动发现的设备不计入。',
  'Whose they are.': '所属的加速器类型。',
  'What they are, as endpoints and quotas name it.': '设备型号，端点和配额以此名称引用。',
  'Of each device: 24Gi.': '每个设备的显存，例如 24Gi。',
  'What the visibility variable of their accelerator takes, such as 0 and 1.':
    '该加速器可见性变量的取值，例如 0 和 1。',
  'The machine, where it is one alone.': '仅有一台机器时的机器信息。',
  'Devices that are there.': '现有的设备。',
  'Those that replicas hold.': '副本占用的设备。',
  'Those that a replica could be given.': '可分配给副本的设备。',
  'Absent where it is not known: then no replica gets it.': '型号未知时为空，此时不会分配给任何副本。',
  'Named in spec.devices, not discovered.': '在 spec.devices 中声明，而非自动发现。',
  'Model formats that it loads, such as gguf.': '可加载的模型格式，例如 gguf。',
  'Program to start: an absolute path, a name on PATH, or `builtin`.':
    '要启动的程序：绝对路径、PATH 中的名称，或 `builtin`。',
  'JSON Schema 2020-12 of the value.': '取值的 JSON Schema（2020-12）。',
  'The flag on the command line, such as --ctx-size.': '命令行参数，例如 --ctx-size。',
  'argv; a whole element `{binary}`, `{model}`, `{host}`, `{port}`, `{name}`, `{context}`, `{sequences}`, `{threads}` is replaced.':
    'argv；值恰为 `{binary}`、`{model}`、`{host}`、`{port}`、`{name}`、`{context}`、`{sequences}`、`{threads}` 的元素会被替换。',
  'Paths: `alive` answers 200 once the model is loaded.': '路径：模型加载完成后 `alive` 返回 200。',
  'Log patterns of a dead process and the failure reason that each means.':
    '进程退出时的日志模式，以及各自对应的失败原因。',
  '`file:///absolute/folder`.': '`file:///absolute/folder`，即绝对路径的目录。',
  'Where the file is.': '文件的位置。',
  'ModelRegistry of the same workspace, or platform/NAME.': '同一工作区的模型仓库，或 platform/NAME。',
  'File below the registry’s folder.': '模型仓库目录下的文件。',
  'Workspaces whose quotas name the same cohort lend each other what they do not need.':
    '配额组名称相同的工作区，可相互借用闲置的额度。',
  'Replicas of all its endpoints together; those that drain count until they are gone. Without limit when absent.':
    '其全部端点的副本总数；正在排空的副本在结束前仍计入。未填写时不限。',
  'What is its own, whoever has borrowed it.': '自有额度，不论被谁借用。',
  'Most that it may have beyond that, of what others lend.': '超出自有额度后最多可借入的数量。',
  'Most of its own that others may have while it does not need it.': '自有额度闲置时最多可借出的数量。',
  'Devices of all its replicas together. Those of which none is named are without limit.':
    '其全部副本使用的设备。未列出的设备不限。',
  'Whose devices.': '设备所属的加速器类型。',
  'Devices of this product; of every product of the accelerator when absent.':
    '该型号的设备；未填写时为该加速器的所有型号。',
  'What its endpoints ask for.': '其端点要求的数量。',
  'What is there.': '现有的数量。',
  'What may be there now.': '当前允许的数量。',
  'What it has beyond its own.': '超出自有额度的数量。',
  'What of its own others have.': '自有额度中被借出的数量。',
  'Borrowed replicas that are being given back.': '正在归还的借入副本。',
  'The same of devices.': '设备的相同统计。',
  'Cluster that runs the replicas.': '运行副本的集群。',
  'Model to serve.': '要提供服务的模型。',
  'Engine that serves it; the first supported version when none is named.':
    '所用的推理引擎；未指定版本时取第一个受支持的版本。',
  "Engine arguments, by the engine's own schema.": '引擎参数，以引擎自身的定义为准。',
  'Raw arguments; need engine:raw.': '原始参数；需要权限 engine:raw。',
  'Tokens of each sequence; the model’s own when absent.':
    '每个序列的 token 数；未填写时采用模型自身的上下文长度。',
  'Sequences served at once.': '同时处理的序列数。',
  'Threads of each replica.': '每个副本的线程数。',
  "Of the machine's memory, set aside for each replica: 48Gi. Nothing when absent.":
    '为每个副本预留的主机内存，例如 48Gi；未填写时不预留。',
  'Devices of this product alone; of any when absent.': '仅使用该型号的设备；未填写时不限型号。',
  'Devices of each replica, its own while it runs. None when absent.':
    '每个副本独占的设备数，运行期间归其所有；未填写时不使用。',
  'Keep no replica; requests are refused with endpoint_paused.': '不保留副本；请求以 endpoint_paused 拒绝。',
  'Budget from start to ready.': '从启动到就绪的时间上限。',
  'How long running requests may go on when a replica leaves.':
    '副本退出时，正在处理的请求最多可继续的时间。',
  'Requests that wait while no replica is ready; 100 for 60 s when absent.':
    '没有就绪副本时等待的请求；未填写时为 100 个、60 秒。',
  'Requests that each gateway holds at once; 0 refuses them.': '每个网关同时保留的等待请求数；0 表示拒绝。',
  'How long one is held at most; 0 refuses it.': '单个请求最长等待时间；0 表示拒绝。',
  'Without a request for so long no replica is kept: the next one waits and wakes it. Never when absent.':
    '超过该时间没有请求时不保留副本，下一个请求将等待并唤醒端点；未填写时永不休眠。',
  'Retired revisions that are kept.': '保留的已退役修订版本数。',
  'auto: callable through the gateway by its own name.': 'auto：可通过网关以自身名称调用。',
  'Version of the renderer that made it.': '生成该修订的渲染器版本。',
  'host:port that the gateway dials.': '网关连接的 host:port。',
}
