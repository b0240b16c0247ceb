using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>Where the weights of a block live, and what its matrices are kept as.</summary>
/// <param name="Device">The device.</param>
/// <param name="Matrices">Type of the matrices.</param>
internal readonly record struct WeightPlace(Device Device, WeightType Matrices)
{
    /// <summary>The matrices' element type.</summary>
    public ScalarType Element => Matrices == WeightType.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32;

    /// <summary>A place where everything is float32.</summary>
    public static implicit operator WeightPlace(Device device) => new(device, WeightType.Float32);
}
