/** A readout under the pointer. The report is complete without it. */
export const SCRIPT = `
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const svg = document.getElementById('chart'), cross = document.getElementById('cross'), tip = document.getElementById('tip');
  const figure = svg.closest('figure');
  const hide = () => { cross.setAttribute('visibility', 'hidden'); tip.hidden = true; };
  svg.addEventListener('pointerleave', hide);
  svg.addEventListener('pointermove', (event) => {
    const box = svg.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * data.width;
    if (x < data.left || x > data.right) return hide();
    const second = (x - data.left) / (data.right - data.left) * data.length;
    const point = data.points.find((each) => second >= each.from && second < each.to);
    if (!point) return hide();
    cross.setAttribute('transform', 'translate(' + x + ' 0)');
    cross.setAttribute('visibility', 'visible');
    tip.textContent = second.toFixed(1) + ' s: ' + data.accounts.map((name, i) => name + ' ' + point.rates[i] + '/s').join(', ') + ', failed ' + point.failed;
    tip.hidden = false;
    const room = figure.clientWidth - tip.offsetWidth - 8;
    tip.style.left = Math.max(8, Math.min(room, event.clientX - figure.getBoundingClientRect().left + 14)) + 'px';
  });
})();
`;
