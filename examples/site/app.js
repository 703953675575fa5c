// Fetches the list of topics and says how it came here.
fetch('data/topics.json')
  .then((response) => response.json())
  .then((topics) => {
    const entry = performance.getEntriesByType('navigation')[0];
    const how = entry ? entry.nextHopProtocol : 'unknown';
    document.getElementById('fetched').textContent = `${topics.length} topics over ${how}`;
  });
