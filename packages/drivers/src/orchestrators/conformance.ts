// What every orchestrator must do, as cases; a driver's test runs them over an engine of its own making.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '@switchyard/kinds'
import type { ObservedReplica, Orchestrator, Workload, WorkloadReplica } from '@switchyard/runtime'

/** What a case works with. Each case gets a fresh one. */
export interface Subject {
  /** A driver at work; a second call is a second hand over the same platform, as after a restart. */
  open(): Promise<Orchestrator & AsyncDisposable>
  /** What is gone after kill -9 of the driver's process: the hand is dropped without a word. */
  abandon(orchestrator: Orchestrator & AsyncDisposable): Promise<void>
  /** A workload of an engine with further arguments: `--exit CODE`, `--say TEXT`, `--stubborn`, `--family`. */
  workload(id: string, argv: readonly string[], replicas: readonly WorkloadReplica[]): Workload
  /** Kills the engine of a replica from outside. */
  kill(replica: ObservedReplica): Promise<void>
  /** Processes of the platform that carry our mark, whoever knows of them. */
  living(): Promise<number>
  /** Fresh ids, well-formed for the platform. */
  id(): string
}

export interface Case {
  readonly name: string
  run(subject: Subject): Promise<void>
}

const fence = { epoch: 5n }
const never = new AbortController().signal

const one = (id: string): readonly WorkloadReplica[] => [{ id, ordinal: 0 }]

async function until<T>(what: string, probe: () => Promise<T | undefined | false>, seconds = 15): Promise<T> {
  for (const end = Date.now() + seconds * 1000; ; ) {
    const found = await probe()
    if (found !== undefined && found !== false) return found
    if (Date.now() > end) throw new assert.AssertionError({ message: `never came: ${what}` })
    await sleep(30)
  }
}

const find = async (hand: Orchestrator, id: string) =>
  (await hand.observe(never)).replicas.find(replica => replica.id === id)
const ready = (hand: Orchestrator, id: string) =>
  until('ready', async () => {
    const found = await find(hand, id)
    return found?.ready ? found : undefined
  })
const exited = (hand: Orchestrator, id: string) => until('exited', async () => (await find(hand, id))?.exit)
const lines = async (hand: Orchestrator, replica: string, previous = false) =>
  (await Array.fromAsync(hand.logs({ replica, previous }, { tail: 1000, follow: false }, never))).map(
    ({ text }) => text,
  )

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'accepted'
  } catch (error) {
    if (error instanceof Fault) return `${error.code} ${error.reason}`
    throw error
  }
}

export const conformance: readonly Case[] = [
  {
    name: '1 applying twice makes one',
    async run(subject) {
      await using hand = await subject.open()
      const [work, id] = [subject.id(), subject.id()]
      const wanted = subject.workload(work, [], one(id))
      await hand.apply(wanted, fence, never)
      const first = await ready(hand, id)
      await hand.apply(wanted, fence, never)
      assert.deepEqual((await find(hand, id))?.startedAt, first.startedAt)
      assert.equal((await hand.observe(never)).replicas.length, 1)
      assert.equal(await subject.living(), 1)
    },
  },
  {
    name: '3 scaling down stops the doomed and those not listed, and no other',
    async run(subject) {
      await using hand = await subject.open()
      const [work, a, b, c] = [subject.id(), subject.id(), subject.id(), subject.id()]
      const all = [a, b, c].map((id, ordinal) => ({ id, ordinal }))
      await hand.apply(subject.workload(work, [], all), fence, never)
      const [kept] = await Promise.all([a, b, c].map(id => ready(hand, id)))
      await hand.apply(
        subject.workload(
          work,
          [],
          [
            { id: a, ordinal: 0 },
            { id: b, ordinal: 1, doomed: true },
          ],
        ),
        fence,
        never,
      )
      await exited(hand, b)
      await until('unlisted gone', async () => (await find(hand, c)) === undefined)
      assert.equal((await find(hand, a))?.startedAt, kept?.startedAt)
      assert.equal(await subject.living(), 1)
    },
  },
  {
    name: '4 a changed template under one id is invalid',
    async run(subject) {
      await using hand = await subject.open()
      const [work, id] = [subject.id(), subject.id()]
      await hand.apply(subject.workload(work, [], one(id)), fence, never)
      const other = subject.workload(work, ['--other'], one(id))
      assert.equal(await refusal(hand.apply(other, fence, never)), 'invalid template_changed')
      assert.equal(await subject.living(), 1)
    },
  },
  {
    name: '5 and 19 an older fence changes nothing',
    async run(subject) {
      await using hand = await subject.open()
      const [work, id] = [subject.id(), subject.id()]
      await hand.apply(subject.workload(work, [], one(id)), { epoch: 6n }, never)
      await ready(hand, id)
      assert.equal(await refusal(hand.apply(subject.workload(work, [], []), fence, never)), 'conflict fenced')
      assert.equal(await refusal(hand.remove(work, { graceSeconds: 0 }, fence, never)), 'conflict fenced')
      assert.equal((await find(hand, id))?.ready, true)
    },
  },
  {
    name: '8 removing twice answers absent',
    async run(subject) {
      await using hand = await subject.open()
      const [work, id] = [subject.id(), subject.id()]
      await hand.apply(subject.workload(work, [], one(id)), fence, never)
      assert.equal(await hand.remove(work, { graceSeconds: 5 }, fence, never), 'removed')
      assert.equal(await hand.remove(work, { graceSeconds: 5 }, fence, never), 'absent')
      assert.equal(await subject.living(), 0)
    },
  },
  {
    name: '9 who ignores the end is killed after the grace, its children too',
    async run(subject) {
      await using hand = await subject.open()
      const [work, id] = [subject.id(), subject.id()]
      await hand.apply(subject.workload(work, ['--stubborn', '--family'], one(id)), fence, never)
      await ready(hand, id)
      assert.equal(await subject.living(), 2)
      const began = Date.now()
      await hand.remove(work, { graceSeconds: 1 }, fence, never)
      assert.ok(Date.now() - began >= 950, 'the grace was kept')
      await until('all gone', async () => (await subject.living()) === 0)
    },
  },
  {
    name: '10 a crash is seen with code, last lines and restarts, also after our restart',
    async run(subject) {
      const [work, id] = [subject.id(), subject.id()]
      const wanted = subject.workload(work, ['--say', 'out of luck', '--exit', '3'], one(id))
      {
        await using hand = await subject.open()
        await hand.apply(wanted, fence, never)
        const end = await exited(hand, id)
        assert.equal(end.code, 3)
        assert.ok(end.log.includes('out of luck'))
        await hand.apply(wanted, fence, never)
        await until('restarted and ended again', async () => {
          const found = await find(hand, id)
          return found?.restarts === 1 && found.state === 'exited'
        })
      }
      await using later = await subject.open()
      const found = await find(later, id)
      assert.equal(found?.exit?.code, 3)
      assert.equal(found?.restarts, 1)
      assert.equal(found?.exits?.length, 2)
    },
  },
  {
    name: '10 a killed engine is seen with its signal',
    async run(subject) {
      await using hand = await subject.open()
      const [work, id] = [subject.id(), subject.id()]
      await hand.apply(subject.workload(work, [], one(id)), fence, never)
      await subject.kill(await ready(hand, id))
      assert.equal((await exited(hand, id)).signal, 'SIGKILL')
    },
  },
  {
    name: '11 logs: tail, the life before, and following while lines are written',
    async run(subject) {
      await using hand = await subject.open()
      const [work, id] = [subject.id(), subject.id()]
      const wanted = subject.workload(work, ['--say', 'hello from the engine'], one(id))
      await hand.apply(wanted, fence, never)
      await subject.kill(await ready(hand, id))
      await exited(hand, id)
      assert.ok((await lines(hand, id)).includes('hello from the engine'))
      await hand.apply(wanted, fence, never)
      assert.ok((await lines(hand, id, true)).includes('hello from the engine'))
      const heard: string[] = []
      const enough = AbortSignal.timeout(10_000)
      for await (const { text } of hand.logs({ replica: id }, { tail: 100, follow: true }, enough)) {
        heard.push(text)
        if (text === 'listening') break
      }
      assert.equal(heard.filter(text => text === 'listening').length, 1)
      assert.equal(heard.filter(text => text === 'hello from the engine').length, 1)
    },
  },
  {
    name: '13 arguments and environment arrive exactly, up to 100 KiB',
    async run(subject) {
      await using hand = await subject.open()
      const [work, id] = [subject.id(), subject.id()]
      const strange = ['$(reboot)', '"quoted"', "it's", 'two\nlines', '`id`', '模型', 'x'.repeat(100 * 1024)]
      const wanted = { ...subject.workload(work, strange, one(id)), env: { STRANGE: 'a="b"\n$(c)' } }
      await hand.apply(wanted, fence, never)
      await ready(hand, id)
      const said = await lines(hand, id)
      const argv: unknown = JSON.parse(said.find(line => line.startsWith('argv '))?.slice(5) ?? '[]')
      assert.ok(Array.isArray(argv))
      assert.deepEqual(argv.slice(-strange.length), strange)
      const env = said.find(line => line.startsWith('env '))?.slice(4) ?? '{}'
      assert.ok(env.includes(JSON.stringify('a="b"\n$(c)')))
    },
  },
  {
    name: '13 a replica is told of its own devices, and one without any that others are not its own',
    async run(subject) {
      await using hand = await subject.open()
      const [work, own, bare] = [subject.id(), subject.id(), subject.id()]
      const devices = { accelerator: 'nvidia', ids: ['GPU-1', 'GPU-2'] } as const
      const replicas = [
        { id: own, ordinal: 0, devices },
        { id: bare, ordinal: 1 },
      ]
      await hand.apply(subject.workload(work, [], replicas), fence, never)
      for (const [id, ids] of [
        [own, 'GPU-1,GPU-2'],
        [bare, '-1'],
      ] as const) {
        await ready(hand, id)
        const env = (await lines(hand, id)).find(line => line.startsWith('env ')) ?? ''
        assert.ok(env.includes(`"CUDA_VISIBLE_DEVICES":"${ids}"`))
        assert.ok(env.includes('"ROCR_VISIBLE_DEVICES":"-1"'))
      }
    },
  },
  {
    name: '14 parallel applies of one workload make one, of many make each',
    async run(subject) {
      await using hand = await subject.open()
      const [work, id] = [subject.id(), subject.id()]
      const many = Array.from({ length: 4 }, () => [subject.id(), subject.id()] as const)
      await Promise.all([
        ...Array.from({ length: 46 }, () => hand.apply(subject.workload(work, [], one(id)), fence, never)),
        ...many.map(([other, replica]) =>
          hand.apply(subject.workload(other, [], one(replica)), fence, never),
        ),
      ])
      await Promise.all([id, ...many.map(([, replica]) => replica)].map(each => ready(hand, each)))
      assert.equal(await subject.living(), 5)
      const ports = new Set((await hand.observe(never)).replicas.map(({ port }) => port))
      assert.equal(ports.size, 5)
    },
  },
  {
    name: '16 an aborted signal leaves no half object',
    async run(subject) {
      await using hand = await subject.open()
      const [work, id] = [subject.id(), subject.id()]
      const aborted = AbortSignal.abort()
      await hand.apply(subject.workload(work, [], one(id)), fence, aborted).catch(() => {})
      const found = await find(hand, id)
      assert.equal(await subject.living(), found ? 1 : 0)
    },
  },
  {
    name: '2 and 17 a hand that was killed is followed by one that adopts, with the same process',
    async run(subject) {
      const [work, id] = [subject.id(), subject.id()]
      const wanted = subject.workload(work, [], one(id))
      const first = await subject.open()
      await first.apply(wanted, fence, never)
      const before = await ready(first, id)
      await subject.abandon(first)
      assert.equal(await subject.living(), 1)
      await using second = await subject.open()
      const after = await ready(second, id)
      assert.deepEqual([after.startedAt, after.address], [before.startedAt, before.address])
      await second.apply(wanted, { epoch: 6n }, never)
      assert.equal(await subject.living(), 1)
      await subject.kill(after)
      await exited(second, id)
    },
  },
  {
    name: '18 what was ended by hand is mended by the next apply',
    async run(subject) {
      await using hand = await subject.open()
      const [work, id] = [subject.id(), subject.id()]
      const wanted = subject.workload(work, [], one(id))
      await hand.apply(wanted, fence, never)
      await subject.kill(await ready(hand, id))
      await exited(hand, id)
      await hand.apply(wanted, fence, never)
      assert.equal((await ready(hand, id)).restarts, 1)
    },
  },
]
