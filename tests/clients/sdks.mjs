// Ask a rerank service with JavaScript clients; print what each made of the reply, as JSON.
// `node sdks.mjs ADDRESS KEY QUESTION`; QUESTION is JSON: a query, documents and top_n.
import assert from 'node:assert/strict';
import { createAmazonBedrock } from '@ai-sdk/amazon-bedrock';
import { createCohere } from '@ai-sdk/cohere';
import { createTogetherAI } from '@ai-sdk/togetherai';
import { createVoyage } from '@ai-sdk/voyage';
import { Client as Elasticsearch } from '@elastic/elasticsearch';
import { CohereRerank as LangchainCohere } from '@langchain/cohere';
import { MixedbreadAIReranker as LangchainMixedbread } from '@langchain/mixedbread-ai';
import { MixedbreadAIClient } from '@mixedbread-ai/sdk';
import { Mixedbread } from '@mixedbread/sdk';
import { OpenRouter } from '@openrouter/sdk';
import { Pinecone } from '@pinecone-database/pinecone';
import { rerank } from 'ai';
import { CohereClient, CohereClientV2 } from 'cohere-ai';
import { createMixedbread } from 'mixedbread-ai-provider';
import Together from 'together-ai';
import { createVoyage as createCommunityVoyage } from 'voyage-ai-provider';
import { VoyageAIClient } from 'voyageai';
import { ZeroEntropy } from 'zeroentropy';
import { createZeroEntropy } from 'zeroentropy-ai-provider';

const model = 'any';

// Results with `index` and a score, after a check that each contains its document.
const ranking = (results, score, asked, document) =>
  results.map((result) => {
    if (document) assert.equal(document(result), asked.documents[result.index]);
    return [result.index, result[score]];
  });

const aiSdk = (create, path) => async (base, key, { query, documents, top_n }) => {
  const reranker = create({ apiKey: key, baseURL: base + path }).reranking(model);
  const reply = await rerank({ model: reranker, query, documents, topN: top_n, maxRetries: 0 });
  return reply.ranking.map((one) => [one.originalIndex, one.score]);
};

const bedrock = (credentials) => ({ apiKey, baseURL }) =>
  createAmazonBedrock({ ...credentials(apiKey), baseURL, region: 'us-east-1' });

const langchain = (open) => async (base, key, { query, documents, top_n }) => {
  const pages = documents.map((pageContent, place) => ({ pageContent, metadata: { place } }));
  const found = await open(base, key, top_n).compressDocuments(pages, query);
  return found.map(({ metadata }) => [metadata.place, metadata.relevanceScore]);
};

const clients = {
  'ai-sdk togetherai': aiSdk(createTogetherAI, '/together/v1'),
  'ai-sdk cohere': aiSdk(createCohere, '/v2'),
  'ai-sdk voyage': aiSdk(createVoyage, '/voyage/v1'),
  'voyage-ai-provider': aiSdk(createCommunityVoyage, '/voyage/v1'),
  'mixedbread-ai-provider': aiSdk(createMixedbread, '/v1'),
  'zeroentropy-ai-provider': aiSdk(createZeroEntropy, '/v1'),
  'ai-sdk amazon-bedrock, key': aiSdk(bedrock((apiKey) => ({ apiKey })), '/bedrock'),
  'ai-sdk amazon-bedrock, signed': aiSdk(
    bedrock((accessKeyId) => ({ accessKeyId, secretAccessKey: 'any' })), '/bedrock'),
  'cohere-ai v2': async (base, key, asked) => {
    const client = new CohereClientV2({ token: key, environment: base });
    const { query, documents, top_n: topN } = asked;
    return ranking((await client.rerank({ model, query, documents, topN })).results, 'relevanceScore', asked);
  },
  'cohere-ai v1': async (base, key, asked) => {
    const client = new CohereClient({ token: key, environment: `${base}/cohere_v1` });
    const documents = asked.documents.map((text) => ({ text }));
    const body = { model, query: asked.query, documents, topN: asked.top_n, returnDocuments: true };
    return ranking((await client.rerank(body)).results, 'relevanceScore', asked, (r) => r.document.text);
  },
  'cohere-ai v1, no model': async (base, key, asked) => {
    const client = new CohereClient({ token: key, environment: `${base}/cohere_v1` });
    const { query, documents, top_n: topN } = asked;
    return ranking((await client.rerank({ query, documents, topN })).results, 'relevanceScore', asked);
  },
  voyageai: async (base, key, asked) => {
    const client = new VoyageAIClient({ apiKey: key, environment: `${base}/voyage/v1` });
    const { query, documents, top_n: topK } = asked;
    const reply = await client.rerank({ model, query, documents, topK, returnDocuments: true });
    return ranking(reply.data, 'relevanceScore', asked, (r) => r.document);
  },
  '@pinecone-database/pinecone': async (base, key, asked) => {
    const { inference } = new Pinecone({ apiKey: key, controllerHostUrl: `${base}/pinecone`, maxRetries: 0 });
    const { query, documents, top_n: topN } = asked;
    const reply = await inference.rerank({ model, query, documents, topN });
    assert.equal(reply.usage.rerankUnits, 1);
    return ranking(reply.data, 'score', asked, (r) => r.document.text);
  },
  '@pinecone-database/pinecone, fields': async (base, key, asked) => {
    const { inference } = new Pinecone({ apiKey: key, controllerHostUrl: `${base}/pinecone`, maxRetries: 0 });
    const documents = asked.documents.map((body, i) => ({ id: `d${i}`, body }));
    const { query, top_n: topN } = asked;
    const reply = await inference.rerank({ model, query, documents, topN, rankFields: ['body'] });
    return ranking(reply.data, 'score', asked, (r) => r.document.body);
  },
  'together-ai': async (base, key, asked) => {
    const client = new Together({ apiKey: key, baseURL: `${base}/together/v1`, maxRetries: 0 });
    const reply = await client.rerank.create({ model, return_documents: true, ...asked });
    return ranking(reply.results, 'relevance_score', asked, (r) => r.document.text);
  },
  '@mixedbread/sdk': async (base, key, asked) => {
    const client = new Mixedbread({ apiKey: key, baseURL: base, maxRetries: 0 });
    const { query, documents: input, top_n: top_k } = asked;
    const reply = await client.rerank({ model, query, input, top_k, return_input: true });
    return ranking(reply.data, 'score', asked, (r) => r.input);
  },
  '@mixedbread-ai/sdk': async (base, key, asked) => {
    const client = new MixedbreadAIClient({ apiKey: key, environment: base });
    const input = asked.documents.map((text, i) => ({ id: `d${i}`, text }));
    const body = { model, query: asked.query, input, rankFields: ['text'], topK: asked.top_n, returnInput: true };
    return ranking((await client.reranking(body)).data, 'score', asked, (r) => r.input.text);
  },
  zeroentropy: async (base, key, asked) => {
    const client = new ZeroEntropy({ apiKey: key, baseURL: `${base}/v1`, maxRetries: 0 });
    const reply = await client.models.rerank({ model, ...asked });
    return ranking(reply.results, 'relevance_score', asked);
  },
  '@openrouter/sdk': async (base, key, asked) => {
    const client = new OpenRouter({ apiKey: key, serverURL: `${base}/api/v1`, retryConfig: { strategy: 'none' } });
    const { query, documents, top_n: topN } = asked;
    const reply = await client.rerank.rerank({ requestBody: { model, query, documents, topN } });
    return ranking(reply.results, 'relevanceScore', asked, (r) => r.document.text);
  },
  '@elastic/elasticsearch': async (base, key, asked) => {
    const client = new Elasticsearch({ node: base, auth: { apiKey: key }, maxRetries: 0 });
    const { query, documents: input, top_n } = asked;
    const reply = await client.inference.rerank({ inference_id: model, query, input, top_n });
    return ranking(reply.rerank, 'relevance_score', asked);
  },
  '@langchain/cohere': langchain((base, apiKey, topN) =>
    new LangchainCohere({ client: new CohereClient({ token: apiKey, environment: `${base}/cohere_v1` }), model, topN })),
  '@langchain/mixedbread-ai': langchain((baseUrl, apiKey, topK) =>
    new LangchainMixedbread({ apiKey, baseUrl, model, topK, maxRetries: 0 })),
};

const said = (error) =>
  [error.name, error.message, error.cause?.message].filter(Boolean).join(': ').replace(/\s+/g, ' ').slice(0, 300);

const [base, key, question] = process.argv.slice(2);
const asked = JSON.parse(question);
const answers = {};
for (const [name, ask] of Object.entries(clients)) {
  answers[name] = {};
  try {
    answers[name].ranking = await ask(base, key, asked);
  } catch (error) {
    answers[name].error = said(error);
  }
  try {
    await ask(base, 'wrong', asked);
    answers[name]['with a wrong key'] = 'nothing';
  } catch (error) {
    answers[name]['with a wrong key'] = said(error);
  }
}
console.log(JSON.stringify(answers));
process.exit(0); // connections that a client keeps open would delay the end
