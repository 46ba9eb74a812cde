// The boundary of a form, and what the head of a part says. Read strictly: two readers must not find two forms in
// the same bytes, or one could be shown a model that the other is not asked for. RFC 2046 5.1, RFC 7578 4.
import { Fault } from '@switchyard/kinds'

export const malformed = (message: string) => new Fault('invalid', message, { reason: 'invalid_value' })

const bare = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+/
const quoted = /^"((?:[^"\\\r\n]|\\[^\r\n])*)"/

/** Parameters of a header's value by their name in lower case; undefined when they cannot be read in one way alone. */
function parameters(text: string): ReadonlyMap<string, string> | undefined {
  const found = new Map<string, string>()
  let rest = text.trim()
  while (rest !== '') {
    const [, name = '', after = ''] = /^;\s*([^\s=;"]+)=([\s\S]*)$/.exec(rest) ?? []
    const value = quoted.exec(after) ?? bare.exec(after)
    if (name === '' || !value) return undefined
    const key = name.toLowerCase()
    if (found.has(key)) return undefined
    found.set(key, value[1] ?? value[0])
    rest = after.slice(value[0].length).trim()
  }
  return found
}

/** The boundary of a content type; throws `media_type` where it is not that of a form. */
export function boundaryOf(contentType: string | undefined): string {
  const [, rest] = /^multipart\/form-data\s*((?:;[\s\S]*)?)$/i.exec(contentType?.trim() ?? '') ?? []
  if (rest === undefined)
    throw new Fault('unsupported', 'The body must be a form: send `content-type: multipart/form-data`.', {
      reason: 'media_type',
      status: 415,
    })
  const boundary = parameters(rest)?.get('boundary')
  if (boundary === undefined || !/^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/.test(boundary))
    throw malformed('The content type of the form has no boundary that can be read: send one, once.')
  return boundary
}

const unreadable = () =>
  malformed('A part of the form has a head that cannot be read in one way alone: name it once, in quotes.')

/** The name of a part whose head this is, without the blank line. */
export function partName(head: string): string {
  let disposition: string | undefined
  for (const line of head.split('\r\n')) {
    const colon = line.indexOf(':')
    // A line that goes on in the next one, a bare line end, or no header at all.
    if (colon <= 0 || /[\r\n\0]/.test(line) || !bare.test(line) || /\s/.test(line.slice(0, colon)))
      throw unreadable()
    const name = line.slice(0, colon).toLowerCase()
    if (name === 'content-disposition') {
      if (disposition !== undefined) throw unreadable()
      disposition = line.slice(colon + 1).trim()
    } else if (
      name === 'content-transfer-encoding' &&
      !/^\s*(7bit|8bit|binary)\s*$/i.test(line.slice(colon + 1))
    )
      throw malformed('A part of the form is encoded: send it as it is.')
  }
  const [, rest] = /^form-data\s*((?:;[\s\S]*)?)$/i.exec(disposition ?? '') ?? []
  const found = rest === undefined ? undefined : parameters(rest)
  const name = found?.get('name')
  // `name*` is another way to say a name, and escapes are read differently by different readers.
  if (!found || name === undefined || found.has('name*') || name.includes('\\')) throw unreadable()
  return name
}
