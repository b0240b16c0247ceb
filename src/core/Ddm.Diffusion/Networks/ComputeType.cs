using Ddm.Runs;

namespace Ddm.Diffusion;

/// <summary>The type of the heavy arithmetic. Weights, time embedding, norms, final layer and router logits are float32 under both.</summary>
public enum ComputeType
{
    /// <summary>float32 everywhere.</summary>
    Float32,

    /// <summary>Matrix products and attention of the blocks in bfloat16; worth it on GPUs from sm_80 only.</summary>
    BFloat16,
}

/// <summary>The names of <see cref="ComputeType"/> in specs and numerics classes.</summary>
public static class ComputeTypes
{
    /// <summary>Reads <c>float32</c> or <c>bfloat16</c>.</summary>
    /// <exception cref="UserErrorException">Another name.</exception>
    public static ComputeType Parse(string name) => name switch
    {
        "float32" => ComputeType.Float32,
        "bfloat16" => ComputeType.BFloat16,
        _ => throw new UserErrorException($"'{name}' is no compute type: use float32 or bfloat16."),
    };

    /// <summary>The name that <see cref="Parse"/> reads.</summary>
    public static string Name(this ComputeType type) => type == ComputeType.BFloat16 ? "bfloat16" : "float32";
}
