// Elements that came as data into nodes of the page. Names and attributes that are not on the lists are left out, and
// nothing is ever parsed as markup.
import { ATTRIBUTE_NAMES, type Element as Data, ELEMENT_NAMES } from '@portolan/core/web';

/** A node from data; text for whatever is no element we know. */
export function build(data: Data): Node {
  if (typeof data === 'string') return document.createTextNode(data);
  const [name, attributes, ...children] = data;
  const node = document.createElement(ELEMENT_NAMES.includes(name) ? name : 'span');
  for (const [key, value] of Object.entries(attributes)) {
    if (!ATTRIBUTE_NAMES.includes(key)) continue;
    if (key === 'href' && !/^(#|\/(?!\/))/.test(value)) continue;
    node.setAttribute(key, value);
  }
  node.append(...children.map(build));
  return node;
}
