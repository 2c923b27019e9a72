import { Command, Option } from 'commander';

/** Options that every command has. */
export interface CommonOptions {
  readonly config?: string;
  readonly json?: boolean;
}

const withCommon = (command: Command): Command =>
  command.option('-c, --config <file>', 'configuration file (YAML)').option('--json', 'print JSON, for programs');

/** The command line. Each command's code is loaded when it runs, so that `serve` starts with what it needs alone. */
export function buildProgram(): Command {
  const program = new Command('scoria').description(
    'An event-sourced block-storage control plane (Block Storage API v3)',
  );
  program.showHelpAfterError().enablePositionalOptions();
  addServe(program);
  addConfig(program);
  addEvents(program);
  addOperations(program);
  addProjections(program);
  return program;
}

function addServe(program: Command): void {
  withCommon(program.command('serve').description('serve the API and do the work behind it'))
    .option(
      '--roles <list>',
      'what this process does, comma list: api, projections, operations, storage; or eventstore',
    )
    .action(async (options) => (await import('./serve.ts')).serve(options));
}

function addConfig(program: Command): void {
  const config = program.command('config').description('the configuration');
  withCommon(config.command('reference').description('every key with its type, default and meaning')).action(
    async (options) => (await import('./config.ts')).configReference(options),
  );
  withCommon(config.command('show').description('the configuration in force, defaults filled in')).action(
    async (options) => (await import('./config.ts')).configShow(options),
  );
}

function addEvents(program: Command): void {
  const events = program.command('events').description('the log');
  withCommon(events.command('list').description('events in the order of the log'))
    .option('--stream <prefix>', 'only streams whose name begins with this')
    .option('--after <position>', 'only events behind this position')
    .addOption(new Option('--limit <n>', 'how many, at most').default(100).argParser(Number))
    .option('--backwards', 'newest first')
    .action(async (options) => (await import('./events.ts')).eventsList(options));
  withCommon(events.command('show <id>').description('one event by its id, with its metadata')).action(
    async (id, options) => (await import('./events.ts')).eventsShow(id, options),
  );
  withCommon(events.command('verify').description('check the whole log: bytes, chain, revisions, order')).action(
    async (options) => (await import('./events.ts')).eventsVerify(options),
  );
  addMovingEvents(events);
}

function addMovingEvents(events: Command): void {
  const places = 'sqlite, sqlite:<data directory>, or esdb://…';
  withCommon(
    events.command('copy').description('copy the whole log into another store, or go on with it; then compare'),
  )
    .requiredOption('--from <log>', places)
    .requiredOption('--to <log>', places)
    .option('--verify-only', 'compare the two, write nothing')
    .action(async (options) => (await import('./events-copy.ts')).eventsCopy(options));
  withCommon(events.command('export').description('the whole log as JSON lines, one event a line'))
    .option('--from <log>', `${places}; the configured log where absent`)
    .option('--file <file>', 'instead of the standard output')
    .action(async (options) => (await import('./events-export.ts')).eventsExport(options));
  withCommon(events.command('import').description('copy an exported log into a store, or go on with it; then compare'))
    .requiredOption('--file <file>', 'what `events export` wrote')
    .option('--to <log>', `${places}; the configured log where absent`)
    .option('--verify-only', 'compare the two, write nothing')
    .action(async (options) => (await import('./events-copy.ts')).eventsImport(options));
}

function addOperations(program: Command): void {
  const operations = program.command('operations').description('long-running actions');
  withCommon(operations.command('list').description('operations, newest first'))
    .option('--status <status>', 'running, undoing, parked, succeeded or failed')
    .option('--project <id>', 'only this project')
    .addOption(new Option('--limit <n>', 'how many, at most').default(50).argParser(Number))
    .action(async (options) => (await import('./operations.ts')).operationsList(options));
  withCommon(operations.command('show <id>').description('one operation and its timeline')).action(
    async (id, options) => (await import('./operations.ts')).operationsShow(id, options),
  );
  for (const action of ['retry', 'abandon'] as const) {
    const meaning =
      action === 'retry'
        ? 'go on where a parked operation stopped'
        : 'give up undoing a parked operation on its backend';
    withCommon(operations.command(`${action} <id>`).description(`${meaning} (through the running server)`)).action(
      async (id, options) => (await import('./operations.ts')).operationsResume(id, action, options),
    );
  }
}

function addProjections(program: Command): void {
  const projections = program.command('projections').description('read models');
  withCommon(projections.command('list').description('read models, their versions and how far each is')).action(
    async (options) => (await import('./projections.ts')).projectionsList(options),
  );
  withCommon(
    projections.command('rebuild <name>').description('build a read model anew beside the live one, and switch'),
  ).action(async (name, options) => (await import('./projections.ts')).projectionsRebuild(name, options));
}
