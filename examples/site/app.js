// Fetches the list of topics, then says what came and over which protocol.
const loaded = new Promise((resolve) => addEventListener('load', resolve));

async function report() {
  const response = await fetch('data/topics.json');
  const topics = await response.json();
  await loaded;
  const pictures = Array.from(document.images);
  const shown = pictures.filter((picture) => picture.naturalWidth > 0);
  const entries = [
    ...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
  const counts = {};
  for (const { nextHopProtocol } of entries) {
    const protocol = nextHopProtocol || 'unknown';
    counts[protocol] = (counts[protocol] || 0) + 1;
  }
  document.getElementById('fetched').textContent = [
    `${topics.length} topics, ${shown.length} of ${pictures.length} pictures`,
    ...Object.entries(counts).map(([protocol, count]) => `${count} answers over ${protocol}`),
  ].join('\n');
}

report();
