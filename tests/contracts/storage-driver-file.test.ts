import { makeFileBackend } from '../drivers/storage/file/file-backend.ts';
import { storageDriverContract } from './storage-driver.ts';

storageDriverContract('file', () => makeFileBackend());
