using Ddm.Runs;

namespace Ddm.Diffusion;

/// <summary>What the matrices of a network's blocks are kept as. They are nearly all of its bytes; biases, tables, embedders, time and final layer are float32 always.</summary>
public enum WeightType
{
    /// <summary>As they were trained.</summary>
    Float32,

    /// <summary>Rounded to the nearest bfloat16, half the memory: to draw from, not to train. The arithmetic stays what it is, each matrix is widened while it is used.</summary>
    BFloat16,
}

/// <summary>The names of <see cref="WeightType"/> in settings.</summary>
public static class WeightTypes
{
    /// <summary>Reads <c>fp32</c> or <c>bf16</c>.</summary>
    /// <param name="setting">Where the text stands, for the message.</param>
    /// <param name="text">What stands there; null or empty: <c>fp32</c>.</param>
    /// <exception cref="UserErrorException">Another name.</exception>
    public static WeightType Parse(string setting, string? text) => text switch
    {
        null or "" or "fp32" => WeightType.Float32,
        "bf16" => WeightType.BFloat16,
        _ => throw new UserErrorException($"{setting}: '{Printable.Text(text)}' is nothing that experts are kept as. Use fp32, or bf16 for half the memory."),
    };

    /// <summary>The name that <see cref="Parse"/> reads.</summary>
    public static string Name(this WeightType type) => type == WeightType.BFloat16 ? "bf16" : "fp32";
}
