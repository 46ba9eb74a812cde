// The port through which control looks at model files, wherever they are kept.

/** A fact read from the bytes, or why it is not known. */
export interface Fact {
  readonly value?: string | number | boolean
  readonly unknown?: string
  readonly source: 'header' | 'derived' | 'manual'
}

export interface ModelFile {
  /** Below the registry's folder, with `/`. */
  readonly path: string
  readonly bytes: number
  /** Changes whenever the file may have changed; equal stamps mean the same bytes. */
  readonly stamp: string
}

export interface Inspection {
  /** `gguf`. */
  readonly format: string
  readonly facts: Readonly<Record<string, Fact>>
  readonly bytes: number
  /** Lower-case hex. */
  readonly sha256: string
}

/**
 * Faults: `not_found` (folder or file absent), `denied` (no right to read), `invalid` (path leaves the
 * folder, or a header that cannot be read: reason `bad_header` or `unknown_format`), `unavailable`.
 */
export interface Registry {
  /** Proves that the registry answers; how many model files it shows at a glance. */
  check(url: string, signal: AbortSignal): Promise<{ readonly models: number }>
  /** One file, cheaply: nothing of it is read. */
  file(url: string, path: string, signal: AbortSignal): Promise<ModelFile>
  /** Model files of the registry, at most `limit`. */
  files(url: string, limit: number, signal: AbortSignal): Promise<readonly ModelFile[]>
  /** Bytes [start, end) of a file. */
  read(
    url: string,
    path: string,
    range: { readonly start: number; readonly end: number },
    signal: AbortSignal,
  ): Promise<Uint8Array>
  /** Reads the header and the digest of the whole file; `progress` hears bytes read, now and then. */
  inspect(
    url: string,
    path: string,
    progress: (bytes: number, total: number) => void,
    signal: AbortSignal,
  ): Promise<Inspection>
}
