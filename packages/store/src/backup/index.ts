// Backups of the database that need nothing but a connection: `createBackup` while everything runs, `restoreBackup` into an
// empty one.
export { type Backup, type BackupOptions, type BackupProgress, createBackup } from './create.ts'
export { type Restored, restoreBackup } from './restore.ts'
