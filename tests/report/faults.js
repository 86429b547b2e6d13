// What is wrong with the page as it is laid out now, as a list of words.
(() => {
  const faults = [];
  const about = (element) => `<${element.tagName.toLowerCase()} class="${element.getAttribute('class') || ''}">` +
    (element.textContent || '').trim().slice(0, 40);
  const say = (what, element) => { if (faults.length < 20) faults.push(`${what}: ${about(element)}`); };

  if (document.documentElement.scrollWidth > window.innerWidth) {
    faults.push(`the page is ${document.documentElement.scrollWidth} px wide in a window of ${window.innerWidth}`);
  }

  // Drawings have a size, and what is in them too.
  for (const svg of document.querySelectorAll('svg')) {
    if (svg.closest('details:not([open])')) continue;
    const box = svg.getBoundingClientRect();
    if (box.width < 20 || box.height < 20) say('a drawing without a size', svg);
    if (!svg.querySelector('title') || !svg.querySelector('desc')) say('a drawing that says nothing', svg);
  }
  for (const bar of document.querySelectorAll('rect.loaded, rect.rejected, rect.broken')) {
    const box = bar.getBoundingClientRect();
    const drawing = bar.ownerSVGElement.getBoundingClientRect();
    if (box.width < 1 || (box.height <= 0 && bar.getAttribute('height') !== '0')) say('a bar without a size', bar.parentNode);
    if (box.top < drawing.top - 1 || box.bottom > drawing.bottom + 1) say('a bar outside of its drawing', bar.parentNode);
  }
  if (!document.querySelector('rect.loaded') || !document.querySelector('svg .fail')) faults.push('charts are missing');
  for (const text of document.querySelectorAll('.graph text.title, .graph text.rows')) {
    const box = text.getBoundingClientRect();
    const node = text.parentNode.querySelector('rect').getBoundingClientRect();
    if (box.right > node.right + 1 || box.bottom > node.bottom + 1) say('a name that leaves its box', text);
  }

  // Text stays within what it belongs to.
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || element.closest('svg, details:not([open]) > :not(summary), .skip')) continue;
    range.selectNodeContents(walker.currentNode);
    const text = range.getBoundingClientRect();
    const home = element.closest('td, th, .cards > div, figure, section, header, footer').getBoundingClientRect();
    if (text.right > home.right + 1.5 || text.left < home.left - 1.5) say('text that leaves its box', element);

    // And can be read: 4.5 to 1, as WCAG 2 wants it of small text.
    const colour = (text) => text.match(/[\d.]+/g).map(Number);
    let ground = element;
    while (ground && (colour(getComputedStyle(ground).backgroundColor)[3] ?? 1) === 0) ground = ground.parentElement;
    const light = (rgb) => rgb.slice(0, 3).map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
      .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
    const [one, other] = [light(colour(getComputedStyle(element).color)), light(colour(getComputedStyle(ground).backgroundColor))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < 4.5) say(`text of contrast ${contrast.toFixed(2)}`, element);
  }

  // Landmarks, one title, headings without gaps, and headers for every table.
  for (const landmark of ['header', 'nav', 'main', 'footer', 'h1']) {
    if (document.querySelectorAll(landmark).length !== 1) faults.push(`not one ${landmark}`);
  }
  let level = 1;
  for (const heading of document.querySelectorAll('h1, h2, h3, h4')) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) say('a heading that skips a level', heading);
    level = next;
  }
  for (const table of document.querySelectorAll('table')) {
    const columns = table.querySelectorAll('thead th[scope=col]').length;
    if (!table.caption || !columns) say('a table without caption or headers', table);
    for (const row of table.tBodies[0].rows) {
      if (row.cells.length !== columns) say('a row that does not fit its headers', row);
    }
  }
  const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
  if (new Set(ids).size !== ids.length) faults.push('an id that stands twice');
  for (const link of document.querySelectorAll('a[href^="#"]')) {
    if (!document.getElementById(link.hash.slice(1))) say('a link to nowhere', link);
  }
  return faults;
})()
