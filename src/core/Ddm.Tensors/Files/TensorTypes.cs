using static TorchSharp.torch;

namespace Ddm.Tensors;

/// <summary>torch's element types and their names in safetensors files.</summary>
internal static class TensorTypes
{
    private static readonly (ScalarType Type, string Name)[] Known =
    [
        (ScalarType.Float32, "F32"), (ScalarType.BFloat16, "BF16"), (ScalarType.Float16, "F16"), (ScalarType.Float64, "F64"), (ScalarType.Byte, "U8"),
        (ScalarType.Int8, "I8"), (ScalarType.Int16, "I16"), (ScalarType.Int32, "I32"), (ScalarType.Int64, "I64"), (ScalarType.Bool, "BOOL"),
    ];

    public static string Name(string tensor, ScalarType type)
        => Array.Find(Known, k => k.Type == type).Name
            ?? throw new NotSupportedException($"Tensor '{tensor}' is of type {type}, which safetensors files do not hold.");

    public static ScalarType Parse(string tensor, string name)
    {
        var at = Array.FindIndex(Known, k => k.Name == name);
        return at >= 0 ? Known[at].Type : throw new NotSupportedException($"Tensor '{tensor}' is of type {name}, which this program does not compute with.");
    }
}
