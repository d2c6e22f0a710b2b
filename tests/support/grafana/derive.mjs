// Derives the JSON schemas beside it from the TypeScript types that Grafana publishes as the npm package @grafana/schema
// (Apache-2.0, Copyright Grafana Labs). README.md tells how it is called.
//
// The published Dashboard leaves a panel's options, its custom field settings, its queries and an annotation's query open, for
// any plugin. Here each is closed by the published type of the panels that this project uses, and of Prometheus' query, so that a
// misspelt option is found. No other property is allowed anywhere.
import fs from 'node:fs';
import { createGenerator } from 'ts-json-schema-generator';

const [, , version, output] = process.argv;
const types = `node_modules/@grafana/schema/dist/${version.startsWith('10.') ? 'esm' : 'types'}/raw/composable`;
const published = (kind, name) =>
  ['types.gen', `${name}_types.gen`].map((file) => `${types}/${kind}/x/${file}`).find((file) => fs.existsSync(`${file}.d.ts`));

const panels = [
  ['bargauge', 'BarGauge', 'bargauge'],
  ['stat', 'Stat', 'stat'],
  ['statetimeline', 'StateTimeline', 'state-timeline'],
  ['table', 'Table', 'table'],
  ['text', 'Text', 'text'],
  ['timeseries', 'TimeSeries', 'timeseries'],
];
const lines = [
  "import type * as g from '@grafana/schema';",
  // the last package that has this type: later it is in @grafana/prometheus, with the same fields
  "import type { PrometheusDataQuery } from './prometheus';",
];
for (const [folder, name, type] of panels) {
  const file = published(`${folder}/panelcfg`, `${name}PanelCfg`);
  const custom = /export interface FieldConfig\b/.test(fs.readFileSync(`${file}.d.ts`, 'utf8')) ? `${name}.FieldConfig` : '{}';
  // @grafana/schema says of a table's columns "use TableFieldOptions"
  lines.push(`import type * as ${name} from '../${file}';`);
  lines.push(`type ${name}Panel = PanelOf<'${type}', ${name}.Options, ${type === 'table' ? 'g.TableFieldOptions' : custom}>;`);
}
lines.push(`
// "interval" stands in Grafana's own PromQuery, beside the published fields
type Query = PrometheusDataQuery & { interval?: string };
type PanelOf<T extends string, O, C> = Omit<g.Panel, 'type' | 'options' | 'fieldConfig' | 'targets'> & {
  type: T; options?: Partial<O>; targets?: Query[];
  fieldConfig?: Omit<g.FieldConfigSource, 'defaults'> & { defaults: Omit<g.FieldConfig, 'custom'> & { custom?: Partial<C> } };
};
// the five last ones are what the data source Prometheus reads of an annotation; "any plugin can set properties here"
type Annotation = Omit<g.AnnotationQuery, 'target'> & {
  target?: Query; expr?: string; step?: string; titleFormat?: string; textFormat?: string; tagKeys?: string;
};
type Row = Omit<g.RowPanel, 'panels'> & { panels: [] };
export type DashboardFile = Omit<g.Dashboard, 'panels' | 'annotations'> & {
  panels: Array<${panels.map(([, name]) => `${name}Panel`).join(' | ')} | Row>; annotations?: { list?: Annotation[] };
};`);

fs.mkdirSync('entry', { recursive: true });
const query = 'node_modules/grafana-schema-10/dist/esm/raw/composable/prometheus/dataquery/x/PrometheusDataQuery_types.gen.d.ts';
fs.copyFileSync(query, 'entry/prometheus.d.ts');
fs.writeFileSync('entry/dashboard.ts', lines.join('\n'));
const options = { path: 'entry/dashboard.ts', type: 'DashboardFile', skipTypeCheck: true, additionalProperties: false };
const schema = createGenerator({ ...options, topRef: true, expose: 'none', jsDoc: 'none' }).createSchema('DashboardFile');
schema.$comment = `Derived from @grafana/schema ${version}, Apache-2.0, Copyright Grafana Labs, by derive.mjs.`;
// one line a property of the dashboard, so that a change can be read
const text = JSON.stringify(schema, (key, value) => value, 1).replace(/\n {5,}/g, ' ');
fs.writeFileSync(output, `${text}\n`);
