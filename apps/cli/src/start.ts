// How a command begins its verb.
import type { Command } from 'commander'
import type { Cli } from './cli.ts'

/** Runs a verb of a command; a number that it gives is the exit status, anything else means 0. */
export type Start = (command: Command, verb: (cli: Cli) => Promise<unknown>) => Promise<void>
