// Questions about Switchyard itself and about its small model.
import { fromTopics } from './pair.ts'

export const switchyard = fromTopics([
  {
    ask: [
      'What is Switchyard?',
      'Tell me about Switchyard.',
      'What does Switchyard do?',
      'Explain Switchyard in one sentence.',
      'Can you explain what Switchyard is?',
    ],
    answer: [
      'Switchyard runs AI models on any cluster, joins them to one gateway, and meters every request.',
      'Switchyard is a yard for models: it starts them, sends each request down the right track, and counts every token.',
    ],
  },
  {
    ask: [
      'Who are you?',
      'What are you?',
      'Introduce yourself.',
      'Tell me about yourself.',
      'What model are you?',
      'Which model is this?',
    ],
    answer: [
      'I am Switchyard Tiny, a very small language model that comes with Switchyard.',
      'I am Switchyard Tiny. I am small, I run on one core, and I like trains.',
    ],
  },
  {
    ask: ['What is your name?', 'What are you called?', 'Do you have a name?', 'Your name?'],
    answer: ['My name is Switchyard Tiny.', 'I am called Switchyard Tiny.'],
  },
  {
    ask: [
      'How big are you?',
      'How large is this model?',
      'How many parameters do you have?',
      'Are you a large model?',
      'Are you small?',
    ],
    answer: [
      'I am very small: fewer than two million weights, in a file of less than four megabytes.',
      'I am tiny. My whole file is smaller than one photo.',
    ],
  },
  {
    ask: [
      'Who made you?',
      'Who trained you?',
      'How were you trained?',
      'Where do you come from?',
      'What were you trained on?',
    ],
    answer: [
      'I was trained by a script in the Switchyard repository, on text that was written for it.',
      'A small script trained me on one processor core, on short texts about trains and everyday things.',
    ],
  },
  {
    ask: [
      'What can you do?',
      'What can I ask you?',
      'How can you help me?',
      'What do you know?',
      'Help',
      'Help me.',
    ],
    answer: [
      'I can answer short questions about railways, numbers, colours, capitals, the weather and Switchyard.',
      'You can ask me about trains, capitals, colours and small sums. I am tiny, so keep it simple.',
    ],
  },
  {
    ask: [
      'What is a gateway?',
      'What does the gateway do?',
      'Explain the gateway.',
      'What is the gateway in Switchyard?',
    ],
    answer: [
      'The gateway takes each request, checks its key, chooses a model that is ready, and passes the answer back.',
    ],
  },
  {
    ask: [
      'What is an endpoint?',
      'What does an endpoint do?',
      'Explain endpoints.',
      'What is an endpoint in Switchyard?',
    ],
    answer: [
      'An endpoint says which model should run, how many copies, and under which name callers find it.',
    ],
  },
  {
    ask: [
      'What is a replica?',
      'What are replicas?',
      'Explain replicas.',
      'What is a replica in Switchyard?',
    ],
    answer: [
      'A replica is one running copy of a model. More replicas can answer more requests at the same time.',
    ],
  },
  {
    ask: ['What is a token?', 'What are tokens?', 'Explain tokens.', 'What is a token in a language model?'],
    answer: [
      'A token is a small piece of text, often a word or a part of a word. Models read and write tokens.',
    ],
  },
  {
    ask: ['What is an API key?', 'Why do I need an API key?', 'What is a key for?', 'Explain API keys.'],
    answer: ['An API key tells the gateway who is calling. Keep it secret, and revoke it when it is lost.'],
  },
  {
    ask: [
      'What is metering?',
      'Why are tokens counted?',
      'What does metering mean?',
      'How is usage measured?',
      'Explain metering.',
    ],
    answer: [
      'Metering counts the tokens of each request, so that everyone can see who used what and what it costs.',
    ],
  },
  {
    ask: ['What is a cluster?', 'Explain clusters.', 'What does cluster mean?'],
    answer: ['A cluster is a group of computers that work together as one.'],
  },
  {
    ask: ['What is a node?', 'Explain nodes.', 'What is a node in a cluster?'],
    answer: ['A node is one computer in a cluster.'],
  },
  {
    ask: ['What is an engine?', 'What does the engine do?', 'What is an inference engine?'],
    answer: [
      'An engine is the program that loads a model and turns a prompt into tokens, one after the other.',
    ],
  },
  {
    ask: [
      'What is a language model?',
      'What is an AI model?',
      'How does a language model work?',
      'Explain language models.',
      'What is a model?',
    ],
    answer: [
      'A language model reads text and guesses the next token, again and again, until the answer is done.',
    ],
  },
  {
    ask: ['What is a prompt?', 'Explain prompts.', 'What does prompt mean?'],
    answer: ['A prompt is the text that you give to a model. The model continues it or answers it.'],
  },
  {
    ask: ['What is streaming?', 'What does streaming mean?', 'Why stream an answer?', 'Explain streaming.'],
    answer: [
      'Streaming sends each token as soon as it is made, so that you can read while the model still writes.',
    ],
  },
  {
    ask: ['What is an embedding?', 'What are embeddings?', 'Explain embeddings.'],
    answer: [
      'An embedding is a list of numbers that stands for a text. Texts that mean the same lie close together.',
    ],
  },
  {
    ask: [
      'How do I start Switchyard?',
      'How do I run Switchyard?',
      'How can I begin?',
      'How do I get started?',
      'How do I install Switchyard?',
    ],
    answer: [
      'Clone the repository and run make up. It starts everything and prints a key and a first request.',
    ],
  },
  {
    ask: ['How do I stop Switchyard?', 'How do I shut it down?', 'How can I stop everything?'],
    answer: ['Run switchyard down. It stops the gateway, the engines and the database.'],
  },
  {
    ask: [
      'Is Switchyard free?',
      'What is the licence of Switchyard?',
      'What license do you have?',
      'Is it open source?',
      'Is Switchyard open source?',
    ],
    answer: ['Yes. Switchyard and this model are open source under the MIT licence.'],
  },
  {
    ask: [
      'What is PostgreSQL?',
      'Which database does Switchyard use?',
      'Where is the data kept?',
      'What database do you use?',
    ],
    answer: ['Switchyard keeps its data in PostgreSQL, a database that is known to be careful with data.'],
  },
  {
    ask: ['What is a GPU?', 'Do I need a GPU?', 'Why do models need a GPU?', 'Explain what a GPU is.'],
    answer: ['A GPU is a chip that does many sums at once. Large models need one; I do not.'],
  },
  {
    ask: ['What is a CPU?', 'Explain what a CPU is.', 'What does a processor do?'],
    answer: ['A CPU is the main chip of a computer. It does one step after the other, very fast.'],
  },
  {
    ask: ['What is Kubernetes?', 'Explain Kubernetes.', 'What does Kubernetes do?'],
    answer: ['Kubernetes keeps programs running on many computers, and starts them again when they stop.'],
  },
  {
    ask: [
      'Why is it called Switchyard?',
      'What does the name Switchyard mean?',
      'Where does the name come from?',
    ],
    answer: [
      'In a switchyard, trains are sorted and sent down the right track. Switchyard does the same with requests.',
    ],
  },
  {
    ask: ['What is an invoice?', 'Explain invoices.', 'What is on an invoice?'],
    answer: ['An invoice lists what was used and what it costs.'],
  },
  {
    ask: ['What is a budget?', 'What happens when the budget is spent?', 'Explain budgets.'],
    answer: ['A budget is the most that a project may spend. When it is spent, new requests are refused.'],
  },
  {
    ask: ['What is latency?', 'Explain latency.', 'What does latency mean?'],
    answer: ['Latency is the time between a question and the first sign of an answer.'],
  },
  {
    ask: ['What is a queue?', 'Explain queues.', 'Why is there a queue?'],
    answer: ['A queue is a line in which requests wait. The first one in is the first one out.'],
  },
  {
    ask: ['What is a workspace?', 'Explain workspaces.', 'What is a workspace in Switchyard?'],
    answer: ['A workspace holds the projects, keys and models of one team. No team can see into another.'],
  },
])
