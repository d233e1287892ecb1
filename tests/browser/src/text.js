// The text of the page as somebody reads it, with one space between what stands apart, however it is laid out.
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const parts = [];
while (texts.nextNode()) {
  if (texts.currentNode.parentElement.checkVisibility()) parts.push(texts.currentNode.data);
}
return parts.join(" ").split(/\s+/).join(" ");
