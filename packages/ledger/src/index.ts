export { publish } from './audit/archive.ts'
export { diffOf, redact } from './audit/diff.ts'
export {
  newSigner,
  openCheckpoint,
  readSigner,
  readVerifier,
  type Signer,
  type Verifier,
} from './audit/note.ts'
export { numberEntries, numbering } from './audit/number.ts'
export { verifyProof } from './audit/proof.ts'
export { resumeLog } from './audit/resume.ts'
export { type AuditObservation, keepLog, type SequencerOptions, settleLog } from './audit/sequencer.ts'
export { servedTrail } from './audit/served.ts'
export { tilePath, unbundle } from './audit/tiles.ts'
export { type Verification, verifyArchive } from './audit/verify.ts'
export { type BatchObservation, keepBatches } from './batches.ts'
export { judgeBudget } from './budget.ts'
export { canonical, type Json } from './canonical.ts'
export { verifyInvoice } from './invoice/archive.ts'
export { archivedInvoice } from './invoice/archived.ts'
export { invoicing } from './invoice/invoicing.ts'
export { type InvoiceObservation, type InvoicingOptions, invoiceDue, plansOf } from './invoice/issue.ts'
export { type Charger, compilePrices, type Prices, type Tariff } from './prices.ts'
export type { Bounds } from './rating.ts'
export { type ShipObservation, type ShipOptions, shipUsage } from './ship.ts'
export { usageEvent } from './usage.ts'
export { type ArchiveObservation, keepArchive } from './usage-archive.ts'
