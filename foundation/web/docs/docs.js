// Shows the OpenAPI document as a readable page and lets one try each route.
'use strict';

const main = document.getElementById('main');
let spec;

// el makes an element with properties and children.
function el(tag, props, ...children) {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children.filter((c) => c !== null && c !== undefined && c !== ''));
  return node;
}

function deref(schema) {
  if (!schema || !schema.$ref) return schema || {};
  return spec.components.schemas[schema.$ref.split('/').pop()] || {};
}

function typeName(schema) {
  if (schema.$ref) return schema.$ref.split('/').pop();
  if (schema.oneOf) return schema.oneOf.map(typeName).join(' or ');
  const types = [].concat(schema.type || 'any');
  if (types.includes('array')) return 'list of ' + typeName(schema.items || {});
  if (schema.additionalProperties && schema.additionalProperties.type) return 'map of ' + typeName(schema.additionalProperties);
  return types.join(' or ') + (schema.format && schema.format !== 'int64' ? ' (' + schema.format + ')' : '');
}

function limits(s) {
  const out = [];
  if (s.enum) out.push('one of ' + s.enum.join(', '));
  if (s.default !== undefined) out.push('default ' + s.default);
  if (s.minimum !== undefined) out.push('≥ ' + s.minimum);
  if (s.maximum !== undefined) out.push('≤ ' + s.maximum);
  if (s.minLength) out.push('at least ' + s.minLength + ' characters');
  if (s.maxLength) out.push('at most ' + s.maxLength + ' characters');
  if (s.pattern) out.push('like ' + s.pattern);
  return out.join('; ');
}

// fields lists the members of an object schema, nested ones below their own.
function fields(schema, seen) {
  const own = deref(schema);
  const items = own.items ? fields(own.items, seen) : null;
  if (!own.properties) return items;
  if (seen.includes(own)) return null;
  const list = el('div', { className: 'nest' });
  for (const [name, prop] of Object.entries(own.properties)) {
    const needed = (own.required || []).includes(name) ? ' required' : '';
    const text = [prop.description || deref(prop).description, limits(prop)].filter(Boolean).join('. ');
    list.append(el('div', {}, el('code', { textContent: name }), ' ',
      el('span', { className: 'type', textContent: typeName(prop) + needed }), text ? ' — ' + text : ''));
    const inner = fields(prop, seen.concat(own));
    if (inner) list.append(inner);
  }
  return list;
}

function sample(schema, depth) {
  const s = deref(schema);
  if (s.examples) return s.examples[0];
  if (s.default !== undefined) return s.default;
  if (s.enum) return s.enum[0];
  const type = [].concat(s.type || 'object')[0];
  if (type === 'array') return depth > 4 ? [] : [sample(s.items || {}, depth + 1)];
  if (type === 'object') {
    const out = {};
    for (const name of s.required || Object.keys(s.properties || {})) {
      if (depth < 5) out[name] = sample((s.properties || {})[name], depth + 1);
    }
    return out;
  }
  return { string: '', integer: 0, number: 0, boolean: false }[type];
}

function parameters(op) {
  if (!op.parameters || !op.parameters.length) return null;
  const table = el('table', {}, el('tr', {}, el('th', { textContent: 'Parameter' }), el('th', { textContent: 'In' }), el('th', { textContent: 'Meaning' }), el('th', { textContent: 'Value' })));
  for (const p of op.parameters) {
    const input = el('input', { name: p.in + ':' + p.name, required: !!p.required, ariaLabel: p.name });
    table.append(el('tr', {}, el('td', {}, el('code', { textContent: p.name })), el('td', { textContent: p.in }),
      el('td', { textContent: [p.description, typeName(p.schema), limits(p.schema)].filter(Boolean).join('; ') }), el('td', {}, input)));
  }
  return table;
}

async function csrf() {
  const me = await fetch('me');
  return me.ok ? (await me.json()).csrf_token || '' : '';
}

async function send(form, method, path, out) {
  const query = new URLSearchParams();
  const headers = {};
  for (const input of form.querySelectorAll('input[name]')) {
    const at = input.name.indexOf(':');
    const [where, name] = [input.name.slice(0, at), input.name.slice(at + 1)];
    if (!input.value) continue;
    if (where === 'path') path = path.replace(new RegExp('\\{' + name + '\\}'), encodeURIComponent(input.value));
    if (where === 'query') query.set(name, input.value);
    if (where === 'header') headers[name] = input.value;
  }
  const key = document.getElementById('key').value.trim();
  if (key) headers.Authorization = 'Bearer ' + key;
  else if (method !== 'get') headers['X-CSRF-Token'] = await csrf();
  const body = form.querySelector('textarea');
  if (body) headers['Content-Type'] = 'application/json';
  const res = await fetch(path + (query.size ? '?' + query : ''), { method: method.toUpperCase(), headers, body: body ? body.value : undefined, credentials: key ? 'omit' : 'same-origin' });
  let text = await res.text();
  try { text = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: shown as it is */ }
  out.textContent = res.status + ' ' + res.statusText + '\n\n' + text;
  out.hidden = false;
}

function details(method, path, op) {
  const box = el('form', {});
  if (op.description) box.append(...op.description.split('\n\n').map((t) => el('p', { textContent: t })));
  const params = parameters(op);
  if (params) box.append(params);
  const media = op.requestBody && op.requestBody.content && op.requestBody.content['application/json'];
  if (media) {
    box.append(el('h4', { textContent: 'Body' }), fields(media.schema, []) || '',
      el('textarea', { value: JSON.stringify(sample(media.schema, 0), null, 2), spellcheck: false, ariaLabel: 'Body' }));
  }
  for (const [status, response] of Object.entries(op.responses || {})) {
    const first = Object.entries(response.content || {})[0];
    const head = status === 'default' ? 'Errors' : 'Answer ' + status;
    box.append(el('h4', { textContent: head + (first ? ' (' + first[0] + ')' : '') }));
    if (first && status !== 'default') box.append(fields(first[1].schema, []) || el('p', { textContent: typeName(first[1].schema) }));
    if (status === 'default') box.append(el('p', { textContent: 'A problem document with code, detail and errors.' }));
  }
  const out = el('pre', { hidden: true });
  const stream = Object.values(op.responses || {}).some((r) => r.content && r.content['text/event-stream']);
  if (!stream) box.append(el('button', { textContent: 'Try it' }));
  box.append(out);
  box.addEventListener('submit', (e) => {
    e.preventDefault();
    send(box, method, path, out).catch((err) => { out.hidden = false; out.textContent = String(err); });
  });
  return el('div', {}, box);
}

function operation(method, path, op) {
  const need = op['x-permission'] || 'public';
  const node = el('details', { className: 'op' }, el('summary', {}, el('span', { className: 'method ' + method, textContent: method.toUpperCase() }),
    el('code', { textContent: path }), el('span', { textContent: op.summary || '' }), el('span', { className: 'need', textContent: need })));
  node.dataset.words = [method, path, op.summary, op.description, need].join(' ').toLowerCase();
  node.addEventListener('toggle', () => { if (node.open && node.children.length === 1) node.append(details(method, path, op)); });
  return node;
}

function show() {
  const about = (spec.info.description + '\n\nVersion ' + spec.info.version + '.').split('\n\n');
  document.getElementById('about').replaceWith(...about.map((text) => el('p', { textContent: text })));
  const groups = new Map();
  for (const path of Object.keys(spec.paths).sort()) {
    for (const [method, op] of Object.entries(spec.paths[path])) {
      const tag = (op.tags || ['other'])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operation(method, path, op));
    }
  }
  for (const [tag, ops] of [...groups].sort()) main.append(el('section', {}, el('h2', { textContent: tag }), ...ops));
}

document.getElementById('find').addEventListener('input', (e) => {
  const words = e.target.value.toLowerCase().split(/\s+/);
  for (const node of document.querySelectorAll('details.op')) node.hidden = !words.every((w) => node.dataset.words.includes(w));
  for (const s of document.querySelectorAll('section')) s.hidden = !s.querySelector('details.op:not([hidden])');
});

fetch('openapi.json').then((r) => r.json()).then((doc) => { spec = doc; show(); })
  .catch((err) => { document.getElementById('about').textContent = 'The document cannot be loaded: ' + err; });
