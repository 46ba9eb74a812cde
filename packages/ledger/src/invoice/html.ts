// A document as a page to print: HTML of one file, without scripts or anything from outside.
import { decimalOf, type InvoiceDocument, type InvoiceLine, type Party } from '@switchyard/kinds'

import { classWords, type Language, tierWords, type Word, wordsOf } from './words.ts'
import { yuanInWords } from './yuan.ts'

/** Markup that is complete; all else is text and is escaped. */
class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

type Value = string | Html | readonly Html[]

function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(parts.map((part, index) => part + written(values[index] ?? '')).join(''))
}

function written(value: Value): string {
  if (value instanceof Html) return value.text
  return typeof value === 'string' ? escaped(value) : value.map(({ text }) => text).join('')
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escaped = (text: string) => text.replaceAll(/[&<>"']/g, each => entities[each] ?? '')

/** `1234567.5` as `1,234,567.5`. */
function grouped(text: string): string {
  const [whole = '', part] = text.split('.')
  const groups = whole.replaceAll(/\B(?=(\d{3})+$)/g, ',')
  return part === undefined ? groups : `${groups}.${part}`
}

const style = `
@page { size: A4; margin: 16mm 14mm }
body { font: 10.5pt/1.45 system-ui, "Noto Sans", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; color: #111; max-width: 182mm; margin: 8mm auto }
h1 { font-size: 20pt; margin: 0 0 4mm }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 1mm 6mm; margin: 0 }
dt { color: #555 } dd { margin: 0 }
.parties { display: grid; grid-template-columns: 1fr 1fr; gap: 8mm; margin: 7mm 0 }
.parties h2, h3 { font-size: 9pt; color: #555; font-weight: 600; margin: 0 0 1mm }
.parties p { margin: 0 }
table { border-collapse: collapse; width: 100%; font-size: 9pt }
thead { display: table-header-group }
tr { break-inside: avoid }
th { text-align: left; border-bottom: 0.4mm solid #111; padding: 1.2mm 2mm 1.2mm 0; vertical-align: bottom }
td { border-bottom: 0.2mm solid #ccc; padding: 1.2mm 2mm 1.2mm 0; vertical-align: top; overflow-wrap: anywhere }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; padding-right: 0; padding-left: 3mm }
small { color: #555; display: block }
.sums { width: 96mm; margin: 5mm 0 0 auto }
.sums .all td { font-weight: 700; border-bottom: 0; border-top: 0.4mm solid #111 }
.words { text-align: right; margin: 2mm 0 }
footer { margin-top: 10mm; color: #555; font-size: 8pt; overflow-wrap: anywhere }
`

export function invoiceHtml(document: InvoiceDocument, language: Language): string {
  const words = wordsOf[language]
  const { kind, number, seller, buyer, terms, payable, note } = document
  const back = payable.startsWith('-')
  const page = html`<!doctype html>
<html lang="${language === 'zh' ? 'zh-CN' : 'en'}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${words[kind]} ${number}</title>
<style>${new Html(style)}</style>
</head>
<body>
<h1>${words[kind]}</h1>
${headOf(document, words)}
<section class="parties">
${partyOf(words.seller, seller, words)}
${partyOf(words.buyer, buyer, words)}
</section>
${note === '' ? '' : html`<p>${note}</p>\n`}${linesOf(document, language)}
<table class="sums">
${row(words.total, document.net, terms.currency)}
${document.taxes.map(tax => row(`${words.tax} ${tax.name} ${tax.percent} %`, tax.amount, terms.currency))}${row(words.gross, document.gross, terms.currency)}
${document.credits.map(credit => row(`${words.credit}: ${credit.name}`, `-${credit.amount}`, terms.currency))}<tr class="all"><td>${back ? words.returned : words.payable}</td><td class="n">${money(payable, terms.currency)}</td></tr>
</table>
${terms.currency === 'CNY' ? html`<p class="words">${words.words}：${yuanInWords(decimalOf(payable))}</p>\n` : ''}${footOf(document, words)}
</body>
</html>
`
  return page.text
}

type Words = Readonly<Record<Word, string>>

const money = (amount: string, currency: string) => `${currency} ${grouped(amount)}`

const row = (name: string, amount: string, currency: string) =>
  html`<tr><td>${name}</td><td class="n">${money(amount, currency)}</td></tr>\n`

function headOf({ number, issuedAt, dueAt, period, terms, workspace }: InvoiceDocument, words: Words): Html {
  const day = (moment: string, earlier = 0) => dayOf(Date.parse(moment) - earlier, terms.timezone)
  const rows: readonly (readonly [string, string])[] = [
    [words.number, number],
    [words.issued, day(issuedAt)],
    ...(dueAt === null ? [] : [[words.due, day(dueAt)] as const]),
    // The end is not in it: people name the last day.
    [words.period, `${day(period.from)} – ${day(period.to, 1)}`],
    [words.workspace, workspace],
  ]
  return html`<dl>
${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>\n`)}</dl>`
}

/** `2026-11-30`, by the clocks of the zone. */
const dayOf = (time: number, timezone: string): string =>
  new Intl.DateTimeFormat('en-CA', { timeZone: timezone, dateStyle: 'short' }).format(time)

function partyOf(title: string, { name, taxNumber, address, bank }: Party, words: Words): Html {
  return html`<div><h2>${title}</h2><p><strong>${name}</strong></p>
${address.map(line => html`<p>${line}</p>\n`)}${taxNumber === '' ? '' : html`<p>${words.taxNumber}: ${taxNumber}</p>\n`}${bank === '' ? '' : html`<p>${words.bank}: ${bank}</p>\n`}</div>`
}

function linesOf(document: InvoiceDocument, language: Language): Html {
  const words = wordsOf[language]
  const { terms, lines } = document
  return html`<table>
<thead><tr><th>#</th><th>${words.description}</th><th>${words.project}</th><th class="n">${words.quantity}</th><th class="n">${words.price}</th><th class="n">${words.net}</th><th class="n">${words.tax}</th></tr></thead>
<tbody>
${lines.map(line => html`<tr><td>${String(line.number)}</td><td>${lineWords(line, language, terms.timezone)}</td><td>${line.project ?? ''}</td><td class="n">${line.unit === null ? '' : grouped(line.quantity)}</td><td class="n">${line.price ?? ''}</td><td class="n">${grouped(line.net)}</td><td class="n">${line.taxed === null ? words.untaxed : grouped(line.tax)}</td></tr>\n`)}</tbody>
</table>
<p><small>${terms.taxInclusive ? words.inclusive : words.exclusive}</small></p>`
}

function lineWords(line: InvoiceLine, language: Language, timezone: string): Html {
  const words = wordsOf[language]
  const { kind, name, model, unit, step, corrects, tier, region } = line
  const what =
    kind === 'usage'
      ? [
          `${model} ${classWords(unit ?? '', language)}`,
          tier === undefined ? '' : `${words.tier} ${tierWords(tier, language)}`,
          region === undefined ? '' : `${words.region} ${region}`,
          step === null ? '' : `${words.step} ${step}`,
        ]
      : [words[kind], name]
  const text = what.filter(Boolean).join(', ')
  if (!line.correction && corrects === null) return html`${text}`
  const of = corrects === null ? '' : `, ${words.corrects} ${corrects.document}/${corrects.line}`
  const { from, to } = line.service
  const when = `${dayOf(Date.parse(from), timezone)} – ${dayOf(Date.parse(to) - 1, timezone)}`
  return html`${text}<small>${words.correction}${of}; ${words.service} ${when}</small>`
}

function footOf({ evidence, linesHash, terms }: InvoiceDocument, words: Words): Html {
  const events =
    evidence &&
    `${words.evidence}: ${evidence.periods.map(({ events }) => grouped(events)).join(' + ')}, ${words.cutoff} ${evidence.cutoff}. `
  return html`<footer>${words.times} ${terms.timezone}. ${events ?? ''}${words.digest}: ${linesHash}</footer>`
}
