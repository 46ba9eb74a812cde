// A model kept running: model + engine + resources + replicas on a cluster.
import { z } from 'zod'
import { acceleratorSchema, bytesSchema, productSchema } from './accelerator.ts'
import { commonStatus, referenceSchema } from './envelope.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'

const environmentName = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Why a replica failed, closed. */
export const failureReasons = [
  'ModelAbsent',
  'ModelCorrupt',
  'BadArguments',
  'PortTaken',
  'HostMemory',
  'CrashLoop',
  'StartTimeout',
  'Stalled',
  'Unschedulable',
  'EngineAbsent',
  'NodeLost',
] as const
export type FailureReason = (typeof failureReasons)[number]

/** What holds for an endpoint that says nothing of `hold`. */
export const endpointHold = Object.freeze({ requests: 100, seconds: 60 })

export const endpoint = defineKind({
  kind: 'Endpoint',
  plural: 'endpoints',
  noun: 'endpoint',
  short: ['ep'],
  scope: 'workspace',
  doc: 'A model kept running on a cluster and reachable through the gateway by the name of the endpoint.',
  spec: z
    .strictObject({
      cluster: referenceSchema.default('platform/local').describe('Cluster that runs the replicas.'),
      model: z.strictObject({ name: referenceSchema }).describe('Model to serve.'),
      engine: z
        .strictObject({ name: referenceSchema, version: z.string().optional() })
        .prefault({ name: 'platform/llama-cpp' })
        .describe('Engine that serves it; the first supported version when none is named.'),
      arguments: z
        .record(z.string(), z.json())
        .default({})
        .describe("Engine arguments, by the engine's own schema."),
      extraArgs: z.array(z.string()).max(64).default([]).describe('Raw arguments; need engine:raw.'),
      env: z.record(z.string().regex(environmentName, 'not an environment name'), z.string()).default({}),
      context: z
        .strictObject({
          tokens: z
            .int()
            .min(128)
            .max(10_000_000)
            .optional()
            .describe('Tokens of each sequence; the model’s own when absent.'),
          sequences: z.int().min(1).max(256).default(4).describe('Sequences served at once.'),
        })
        .prefault({}),
      resources: z
        .strictObject({
          cpu: z.int().min(1).max(1024).optional().describe('Threads of each replica.'),
          memory: bytesSchema
            .optional()
            .describe("Of the machine's memory, set aside for each replica: 48Gi. Nothing when absent."),
          accelerator: acceleratorSchema.optional().describe('Whose devices.'),
          product: productSchema.optional().describe('Devices of this product alone; of any when absent.'),
          devices: z
            .int()
            .min(1)
            .max(64)
            .optional()
            .describe('Devices of each replica, its own while it runs. None when absent.'),
        })
        .superRefine(({ accelerator, product, devices }, context) => {
          const problem = (path: string, message: string) =>
            context.addIssue({ code: 'custom', path: [path], message })
          if (devices !== undefined && accelerator === undefined)
            problem('accelerator', 'must say whose devices, such as nvidia')
          if (devices !== undefined) return
          if (accelerator !== undefined) problem('devices', 'must say how many devices each replica has')
          if (product !== undefined) problem('devices', 'must say how many devices of the product')
        })
        .prefault({}),
      replicas: z.int().min(0).max(1000).default(1),
      paused: z
        .boolean()
        .default(false)
        .describe('Keep no replica; requests are refused with endpoint_paused.'),
      rollout: z
        .strictObject({
          maxSurge: z.int().min(0).max(100).default(1),
          maxUnavailable: z.int().min(0).max(100).default(0),
          minReadySeconds: z.int().min(0).max(3600).default(0),
        })
        .prefault({}),
      startupSeconds: z.int().min(5).max(86400).default(600).describe('Budget from start to ready.'),
      drainSeconds: z
        .int()
        .min(0)
        .max(3600)
        .default(300)
        .describe('How long running requests may go on when a replica leaves.'),
      probes: z
        .strictObject({
          generationSeconds: z.int().min(1).max(3600).default(60),
          stallSeconds: z.int().min(2).max(3600).default(60),
        })
        .prefault({}),
      hold: z
        .strictObject({
          requests: z
            .int()
            .min(0)
            .max(10_000)
            .default(endpointHold.requests)
            .describe('Requests that each gateway holds at once; 0 refuses them.'),
          seconds: z
            .int()
            .min(0)
            .max(3600)
            .default(endpointHold.seconds)
            .describe('How long one is held at most; 0 refuses it.'),
        })
        .optional()
        .describe('Requests that wait while no replica is ready; 100 for 60 s when absent.'),
      idleSeconds: z
        .int()
        .min(10)
        .max(2_592_000)
        .optional()
        .describe(
          'Without a request for so long no replica is kept: the next one waits and wakes it. Never when absent.',
        ),
      history: z.int().min(1).max(50).default(10).describe('Retired revisions that are kept.'),
      route: z
        .enum(['auto', 'none'])
        .default('auto')
        .describe('auto: callable through the gateway by its own name.'),
    })
    .superRefine(({ idleSeconds, hold }, context) => {
      if (idleSeconds === undefined || !hold || (hold.requests > 0 && hold.seconds > 0)) return
      const message = 'must hold requests where idleSeconds is set: it is they who wake the endpoint'
      context.addIssue({ code: 'custom', path: ['hold'], message })
    }),
  status: z.strictObject({
    ...commonStatus,
    revisions: z
      .strictObject({
        desired: z.int().optional(),
        active: z.int().optional(),
        lastReady: z.int().optional(),
      })
      .optional(),
    replicas: z
      .strictObject({
        desired: z.int(),
        placed: z.int(),
        starting: z.int(),
        ready: z.int(),
        draining: z.int(),
      })
      .optional(),
  }),
  phases: ['Pending', 'Fetching', 'Starting', 'Ready', 'Degraded', 'Idle', 'Paused', 'Failed', 'Deleting'],
  phase: phaseUnlessDeleting(({ spec, status }) => {
    const counts = status.replicas
    const is = (type: string, value: string) =>
      status.conditions?.some(condition => condition.type === type && condition.status === value) ?? false
    if (spec.paused) return 'Paused'
    if (is('Progressing', 'False')) return counts && counts.ready > 0 ? 'Degraded' : 'Failed'
    if (!counts || is('Resolved', 'Unknown') || !status.revisions?.desired)
      return is('Resolved', 'False') ? 'Failed' : 'Pending'
    if (counts.desired > 0 && counts.ready >= counts.desired) return 'Ready'
    if (counts.desired === 0 && spec.replicas > 0 && spec.idleSeconds !== undefined) return 'Idle'
    if (counts.ready > 0) return is('Degraded', 'True') ? 'Degraded' : 'Ready'
    if (counts.placed + counts.starting === 0 && is('Placed', 'False')) return 'Pending'
    return counts.desired === 0 ? 'Ready' : 'Starting'
  }),
  columns: [
    { title: 'PHASE', path: 'status.phase' },
    { title: 'MODEL', path: 'spec.model.name' },
    { title: 'READY', path: 'status.replicas.ready' },
    { title: 'DESIRED', path: 'status.replicas.desired' },
    { title: 'ENGINE', path: 'spec.engine.name', wide: true },
    { title: 'CLUSTER', path: 'spec.cluster', wide: true },
    { title: 'REVISION', path: 'status.revisions.active', wide: true },
  ],
  references: [
    { path: 'spec.cluster', to: 'Cluster', onDelete: 'refuse' },
    { path: 'spec.model.name', to: 'Model', onDelete: 'refuse' },
    { path: 'spec.engine.name', to: 'Engine', onDelete: 'refuse' },
  ],
  fields: ['spec.model.name', 'spec.engine.name', 'spec.cluster', 'spec.paused', 'status.phase'],
  immutable: ['cluster'],
  conditions: {
    Resolved: [
      'Resolved',
      'ModelNotReady',
      'ModelInvalid',
      'EngineUnsupported',
      'ModelMissing',
      'EngineMissing',
      'Waiting',
    ],
    Placed: ['Placed', 'Waiting', 'Accelerator', 'Product', 'TooFewDevices', 'HostMemory', 'Quota'],
    QuotaOk: ['Within', 'Exceeded', 'Returned'],
    Ready: ['Ready', 'Starting', 'NoReplica', 'Paused', 'Scaled', 'Idle', 'Draining', ...failureReasons],
    Progressing: ['Progressing', 'Complete', 'RolloutBlocked', ...failureReasons],
    Degraded: ['Degraded', 'AsDesired'],
    Reconciled: ['Reconciled', 'Error', 'Stalled'],
    Deleting: ['Draining', 'Removing'],
  },
})
