using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Tests;

/// <summary>A CLIP text encoder of CLIP's whole vocabulary, one block of 64, random.</summary>
internal static class SmallClip
{
    public static void Write(string folder)
    {
        const int Vocabulary = 49_408, Context = 77, Width = 64;
        using var scope = NewDisposeScope();
        using var generator = new Generator(5, CPU);
        var tensors = new List<(string, Tensor)>();
        Add("embeddings.token_embedding.weight", Vocabulary, Width);
        Add("embeddings.position_embedding.weight", Context, Width);
        Norm("final_layer_norm");
        foreach (var norm in new[] { "layer_norm1", "layer_norm2" })
        {
            Norm("encoder.layers.0." + norm);
        }

        foreach (var layer in new[] { "q_proj", "k_proj", "v_proj", "out_proj" })
        {
            Linear("encoder.layers.0.self_attn." + layer, Width, Width);
        }

        Linear("encoder.layers.0.mlp.fc1", 2 * Width, Width);
        Linear("encoder.layers.0.mlp.fc2", Width, 2 * Width);
        using (var file = File.Create(Path.Combine(folder, "model.safetensors")))
        {
            TensorFile.Save(file, tensors);
        }

        File.WriteAllText(Path.Combine(folder, "config.json"), """{ "model_type": "clip_text_model", "num_attention_heads": 2, "hidden_act": "quick_gelu" }""");

        void Add(string name, params long[] shape) => tensors.Add(("text_model." + name, randn(shape, generator: generator).mul_(0.2)));

        void Linear(string name, long outputs, long inputs)
        {
            Add(name + ".weight", outputs, inputs);
            Add(name + ".bias", outputs);
        }

        void Norm(string name)
        {
            Add(name + ".weight", Width);
            Add(name + ".bias", Width);
        }
    }
}
