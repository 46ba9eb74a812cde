// Messages of conditions and events that are always the same.

export const messages: Readonly<Record<string, string>> = {
  'The endpoint is being deleted.': '端点正在删除。',
  'The endpoint is paused; resume it to serve again.': '端点已暂停；恢复后继续提供服务。',
  'No replica has been placed yet.': '尚未调度任何副本。',
  'The model file cannot be opened: put it back, or correct the model.':
    '无法打开模型文件：请放回文件，或更正模型。',
  'The model file cannot be loaded: fetch it again, or choose another.':
    '无法加载模型文件：请重新获取，或选择其他模型。',
  'The engine refuses its arguments: correct spec.arguments or spec.extraArgs.':
    '引擎拒绝其参数：请更正 spec.arguments 或 spec.extraArgs。',
  'The port was taken by another program; another one is tried.': '端口被其他程序占用，正在尝试其他端口。',
  'There is not enough memory: lower spec.context, or choose a smaller model.':
    '内存不足：请降低 spec.context，或选择更小的模型。',
  'The engine keeps ending: read its last lines.': '引擎反复退出：请查看其最后的日志。',
  'The engine was not ready in time: raise spec.startupSeconds, or read its last lines.':
    '引擎未在规定时间内就绪：请提高 spec.startupSeconds，或查看其最后的日志。',
  'The last revisions are being removed.': '正在移除最后的修订版本。',
  'The engine stood still and was replaced.': '引擎停滞，已被替换。',
  'There is no room for the replica.': '没有可容纳该副本的资源。',
  'The program of the engine is not installed.': '未安装该引擎的程序。',
  'The machine that it ran on is gone.': '副本所在的机器已不存在。',
  'The endpoint is ready.': '端点已就绪。',
}
