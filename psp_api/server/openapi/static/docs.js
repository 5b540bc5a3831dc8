"use strict";

// The page is made of /openapi.json alone. Text is always set as text: nothing is ever parsed as HTML.

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const OPTIONS_SHOWN_MAX = 20;
const pretty = (value) => JSON.stringify(value, null, 2);
const code = (text) => element("code", { textContent: text });
// Descriptions have `code` in backticks: every other part.
const prose = (text) => (text ?? "").split("`").map((part, index) => (index % 2 ? code(part) : part));

function resolved(schema, spec) {
  return schema && schema.$ref ? spec.components.schemas[schema.$ref.split("/").pop()] : schema;
}

function rule(schema, spec) {
  const found = resolved(schema, spec);
  const { type, format, pattern, minimum, maximum, minLength, maxLength, items } = found;
  const choices = found.anyOf ?? found.oneOf;
  if (choices) return choices.map((choice) => rule(choice, spec)).join(", or ");
  if (items) return `array of ${items.$ref ? items.$ref.split("/").pop() : rule(items, spec)}`;
  const options = found.enum ?? (found.const === undefined ? undefined : [found.const]);
  const some = options && options.length > OPTIONS_SHOWN_MAX ? [...options.slice(0, 3), `… (${options.length})`] : options;
  const parts = [some ? some.join(" | ") : type, format];
  if (minimum !== undefined || maximum !== undefined) parts.push(`${minimum ?? ""}…${maximum ?? ""}`);
  if (minLength !== undefined || maxLength !== undefined) parts.push(`${minLength ?? 0}…${maxLength ?? ""} characters`);
  if (pattern && pattern.length < 60) parts.push(pattern);
  return parts.filter(Boolean).join(", ");
}

function field(parameter, spec) {
  const schema = resolved(parameter.schema, spec);
  const input = schema.enum
    ? element("select", {}, ...["", ...schema.enum].map((value) => element("option", { value, textContent: value })))
    : element("input", { placeholder: String(parameter.example ?? schema.default ?? "") });
  input.name = parameter.name;
  input.required = Boolean(parameter.required);
  input.dataset.place = parameter.in;
  input.setAttribute("aria-label", parameter.name);
  const about = [rule(schema, spec), parameter.description].filter(Boolean).join(". ");
  const mark = parameter.required ? " *" : "";
  return element("div", { className: "row" }, element("label", {}, code(parameter.name + mark)),
    element("div", {}, input, element("small", {}, ...prose(about))));
}

// What each field of a body means; a list's is that of its elements.
function fieldsOf(schema, spec, within = "") {
  const { properties, items, required = [] } = resolved(schema, spec) ?? {};
  if (items) return fieldsOf(items, spec, within);
  return Object.entries(properties ?? {}).flatMap(([name, property]) => {
    const about = [rule(property, spec), property.description].filter(Boolean).join(". ");
    const mark = required.includes(name) ? " *" : "";
    const row = element("div", { className: "row field" }, code(within + name + mark), element("small", {}, ...prose(about)));
    const inner = property.items ?? property.anyOf?.find((choice) => choice.$ref) ?? property;
    return [row, ...fieldsOf(inner, spec, `${within}${name}${property.items ? "[]" : ""}.`)];
  });
}

function fields(title, schema, spec) {
  const found = fieldsOf(schema, spec);
  return found.length ? element("details", { className: "fields", open: true }, element("summary", { textContent: title }), ...found) : null;
}

function credentials(spec) {
  const bearer = spec.components.securitySchemes;
  const name = bearer ? "API key" : "x-customer-id";
  const input = element("input", { id: "credential", name, placeholder: bearer ? "sk_live_…" : "123" });
  if (bearer) input.type = "password";
  const label = element("label", { htmlFor: "credential" }, code(name));
  return element("div", { className: "row" }, label, input);
}

function requestOf(method, path, form) {
  const headers = {};
  const query = new URLSearchParams();
  let target = path;
  const credential = document.getElementById("credential");
  if (credential.type === "password") headers.Authorization = `Bearer ${credential.value}`;
  else headers["x-customer-id"] = credential.value;
  for (const input of form.querySelectorAll("[data-place]")) {
    if (input.value === "") continue;
    if (input.dataset.place === "path") target = target.replace(`{${input.name}}`, encodeURIComponent(input.value));
    else if (input.dataset.place === "query") query.append(input.name, input.value);
    else headers[input.name] = input.value;
  }
  const body = form.querySelector("textarea");
  if (body) headers["Content-Type"] = "application/json";
  const search = query.size ? `?${query}` : "";
  return [target + search, { method: method.toUpperCase(), headers, body: body ? body.value : undefined }];
}

async function send(method, path, form, output) {
  const [url, request] = requestOf(method, path, form);
  const startedMs = performance.now();
  output.textContent = "…";
  try {
    const answer = await fetch(url, request);
    const tookMs = Math.round(performance.now() - startedMs);
    const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    const isFile = answer.headers.has("content-disposition") && !answer.headers.get("content-type").startsWith("text/");
    const text = isFile ? `${(await answer.arrayBuffer()).byteLength} bytes` : await answer.text();
    let body = text;
    try { body = pretty(JSON.parse(text)); } catch { /* not JSON: shown as it is */ }
    output.textContent = `${request.method} ${url}\n\n${answer.status} in ${tookMs} ms\n${headers}\n\n${body}`;
  } catch (error) {
    output.textContent = `${request.method} ${url}\n\n${error}`;
  }
}

function answers(responses, spec) {
  return Object.entries(responses).map(([status, response]) => {
    const contents = Object.entries(response.content ?? {});
    const shown = contents.flatMap(([type, content]) =>
      content.examples ? Object.values(content.examples).map((example) => example.value) : [content.example ?? type]);
    const schema = contents.length ? contents[0][1].schema : undefined;
    return element("details", {}, element("summary", {}, code(status), ` ${response.description}`),
      ...fieldsOf(schema, spec),
      ...shown.map((value) => element("pre", { textContent: typeof value === "string" ? value : pretty(value) })));
  });
}

function operationSection(method, path, operation, spec) {
  const output = element("pre", { className: "output", hidden: true });
  output.setAttribute("aria-live", "polite");
  const example = operation.requestBody?.content["application/json"].example;
  const form = element("form", { noValidate: true, autocomplete: "off" },
    ...operation.parameters.filter(({ name }) => name !== "x-customer-id").map((parameter) => field(parameter, spec)),
    example ? element("textarea", { value: pretty(example), ariaLabel: "body", spellcheck: false }) : null,
    example ? fields("Fields of the body", operation.requestBody.content["application/json"].schema, spec) : null,
    element("p", {}, element("button", { textContent: "Send" })), output);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    output.hidden = false;
    send(method, path, form, output);
  });
  return element("section", { id: operation.operationId },
    element("h2", {}, element("span", { className: "method", textContent: method.toUpperCase() }), " ", code(path)),
    element("p", {}, ...prose([operation.summary, operation.description].filter(Boolean).join(". "))),
    form, element("h3", { textContent: "Answers" }), ...answers(operation.responses, spec));
}

async function main() {
  const spec = await (await fetch("/openapi.json")).json();
  document.getElementById("title").textContent = `${spec.info.title} ${spec.info.version}`;
  document.getElementById("description").append(...prose(spec.info.description));
  document.getElementById("credentials").append(credentials(spec));
  document.getElementById("credentials").addEventListener("submit", (event) => event.preventDefault());
  const links = [];
  for (const [path, operations] of Object.entries(spec.paths))
    for (const [method, operation] of Object.entries(operations)) {
      document.getElementById("operations").append(operationSection(method, path, operation, spec));
      const verb = element("span", { className: "method", textContent: method.toUpperCase() });
      links.push(element("li", {}, element("a", { href: `#${operation.operationId}` }, verb, " ", path)));
    }
  links.push(element("li", {}, element("a", { href: "#problems", textContent: "Problems" })));
  document.getElementById("contents").append(element("ul", {}, ...links));
  // What the address names has moved, or exists only now.
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

main();
