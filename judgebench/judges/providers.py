"""The providers that LiteLLM knows and the environment variables it reads their keys from.

Static, because LiteLLM takes seconds to import; the tests marked `upstream` hold both against the installed LiteLLM.
"""

from __future__ import annotations

_NAMES = (
    "a2a a2a_agent abliteration ai21 ai21_chat aihubmix aiml aiohttp_openai amazon_nova anthropic anthropic_text "
    "apertis assemblyai auto_router aws_polly aws_textract azure azure_ai azure_speech azure_text baseten bedrock "
    "bedrock_mantle bespoke black_forest_labs bytez cerebras charity_engine chatgpt chutes clarifai cloudflare "
    "codestral cognition cohere cohere_chat cometapi compactifai coralbricks cortecs crusoe cursor custom "
    "custom_openai darkbloom dashscope databricks databricks_agent datarobot deepgram deepinfra deepseek "
    "docker_model_runner dotprompt edenai elevenlabs empiriolabs empower fal_ai featherless_ai fireworks_ai "
    "friendliai galadriel gdc gemini gigachat github github_copilot gmi gradient_ai groq helicone heroku hosted_vllm "
    "huggingface humanloop hyperbolic inception inferenceapis infinity jina_ai lambda_ai langflow langfuse langgraph "
    "laya lemonade libertai litellm_agent litellm_proxy llamafile llamagate lm_studio manus maritalk meta meta_llama "
    "microsoft_365_copilot milvus minimax mistral modelscope mongodb moonshot morph nadir nano-gpt nebius neosantara "
    "nlp_cloud novita nscale nvidia_nim nvidia_riva oci ollama ollama_chat oobabooga openai openai_like openrouter "
    "ovhcloud parasail perplexity petals pg_vector pinstripes poe predibase prism publicai qwen_ai_platform "
    "qwencloud ragflow recraft reducto reka replicate runwayml s3_vectors sagemaker sagemaker_chat sagemaker_nova "
    "sail sambanova sap sarvam scaledown scaleway scx-ai snowflake soniox stability strands_decider synthetic "
    "tencent tensormesh text-completion-codestral text-completion-inception text-completion-openai together_ai topaz "
    "transcribe triton typesafe v0 valkey veniceai vercel_ai_gateway vertex_ai vertex_ai_beta vllm volcengine voyage "
    "wandb watsonx watsonx_text xai xiaomi_mimo xinference zai"
)
PROVIDERS = frozenset(_NAMES.split())
"""What may stand before the first slash of a model id."""

KEY_VARIABLES: dict[str, tuple[str, ...]] = {
    "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
    "azure": ("AZURE_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_AD_TOKEN", "AZURE_CLIENT_ID"),
    "cerebras": ("CEREBRAS_API_KEY",),
    "cohere": ("COHERE_API_KEY", "CO_API_KEY"),
    "cohere_chat": ("COHERE_API_KEY", "CO_API_KEY"),
    "dashscope": ("DASHSCOPE_API_KEY",),
    "deepinfra": ("DEEPINFRA_API_KEY",),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "fireworks_ai": ("FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY", "FIREWORKSAI_API_KEY", "FIREWORKS_AI_TOKEN"),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "groq": ("GROQ_API_KEY",),
    "hyperbolic": ("HYPERBOLIC_API_KEY",),
    "minimax": ("MINIMAX_API_KEY",),
    "mistral": ("MISTRAL_API_KEY",),
    "moonshot": ("MOONSHOT_API_KEY",),
    "nebius": ("NEBIUS_API_KEY",),
    "novita": ("NOVITA_API_KEY",),
    "nvidia_nim": ("NVIDIA_NIM_API_KEY",),
    "openai": ("OPENAI_API_KEY",),
    "openrouter": ("OPENROUTER_API_KEY", "OR_API_KEY"),
    "perplexity": ("PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"),
    "sambanova": ("SAMBANOVA_API_KEY",),
    "together_ai": ("TOGETHER_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHERAI_API_KEY"),
    "xai": ("XAI_API_KEY",),
    "zai": ("ZAI_API_KEY",),
}
"""The variables that LiteLLM reads a provider's key from; any one is enough. A provider that is not here needs
none (a server of one's own), or more than a key, and then LiteLLM says so."""
