import { buildProgram } from './cli/program.ts';

/** Runs one command of `scoria`; sets the exit status and never throws. */
export async function runCommandLine(argv: readonly string[]): Promise<void> {
  // Whoever reads the output may have seen enough (`scoria events list | head`).
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
  try {
    await buildProgram().parseAsync([...argv]);
  } catch (error) {
    process.stderr.write(`scoria: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

if (import.meta.main) await runCommandLine(process.argv);
