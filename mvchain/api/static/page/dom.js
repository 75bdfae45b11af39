// Elements are made here and nowhere else, from tag names of this program and texts of the chain. Nothing parses
// markup, so a title that holds some is shown as what it is: a text.

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "rect"]);

/**
 * An element with these attributes and children (nodes, texts, lists of both). An attribute of true stands without a
 * value; attributes and children that are null or false are left out.
 */
export function make(tag, attributes = {}, ...children) {
  const element = SVG_TAGS.has(tag) ? document.createElementNS(SVG_NAMESPACE, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (isThere(value)) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter(isThere));
  return element;
}

/** What only those see who hear the page. */
export function spoken(...children) {
  return make("span", { class: "visually-hidden" }, ...children);
}

/** What only those see who look at the page: signs and bars that repeat what is said beside them. */
export function unspoken(...children) {
  return make("span", { "aria-hidden": "true" }, ...children);
}

/**
 * Makes what `parent` shows equal to `children` and touches nothing that is equal already: so focus, scrolling, opened
 * details and the place of a screen reader survive a refresh. A `data-key` says which element of a list is which.
 */
export function showIn(parent, ...children) {
  patchChildren(parent, make("div", {}, ...children));
}

function patchChildren(parent, wanted) {
  const keys = new Set(Array.from(wanted.childNodes, keyOf));
  for (const child of [...parent.childNodes]) {
    if (keyOf(child) !== null && !keys.has(keyOf(child))) child.remove();
  }
  let at = parent.firstChild;
  for (const node of [...wanted.childNodes]) {
    if (at === null) {
      parent.append(node);
    } else if (isSameNode(at, node)) {
      patchNode(at, node);
      at = at.nextSibling;
    } else if (keyOf(at) !== null) {
      at.before(node);
    } else {
      const replaced = at;
      at = at.nextSibling;
      replaced.replaceWith(node);
    }
  }
  while (at !== null) {
    const surplus = at;
    at = at.nextSibling;
    surplus.remove();
  }
}

function isSameNode(left, right) {
  return left.nodeName === right.nodeName && keyOf(left) === keyOf(right);
}

function patchNode(node, wanted) {
  if (node.nodeType === Node.TEXT_NODE) {
    if (node.nodeValue !== wanted.nodeValue) node.nodeValue = wanted.nodeValue;
    return;
  }
  for (const { name } of [...node.attributes]) {
    const isReaders = name === "open"; // whoever opened it closes it
    if (!isReaders && !wanted.hasAttribute(name)) node.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  }
  patchChildren(node, wanted);
}

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null;
}

function isThere(value) {
  return value !== null && value !== undefined && value !== false;
}
