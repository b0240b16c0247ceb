using Ddm.Diffusion;
using Grpc.Core;

namespace Ddm.Serving;

/// <summary>
/// The calls of an expert host: gRPC, whose messages are bytes as they are. Rows are megabytes of numbers; a message format would only copy them.
/// </summary>
internal static class ExpertWire
{
    /// <summary>Largest message: 4096 rows of [4, 32, 32] float32.</summary>
    public const int MostBytes = 64 * 1024 * 1024;

    private const string Service = "ddm.ExpertHost";

    private static readonly Marshaller<byte[]> Raw = new(bytes => bytes, bytes => bytes);

    /// <summary>An empty message -> <see cref="HostDescription"/>. Answered at once also by a host that computes.</summary>
    public static Method<byte[], byte[]> Describe { get; } = new(MethodType.Unary, Service, "Describe", Raw, Raw);

    /// <summary><see cref="VelocityQuestion"/> -> <see cref="VelocityAnswer"/>.</summary>
    public static Method<byte[], byte[]> Velocity { get; } = new(MethodType.Unary, Service, "Velocity", Raw, Raw);

    /// <summary>What this process computes with.</summary>
    /// <param name="weights">What experts are kept as.</param>
    public static string Numerics(WeightType weights)
    {
        var here = Tensors.TorchRuntime.Describe(TorchSharp.torch.CPU, 1, TorchSharp.torch.get_num_threads());
        return FormattableString.Invariant($"{here.Device}; {here.Threads} threads; {here.Libraries}{(weights == WeightType.Float32 ? "" : $"; weights as {weights.Name()}")}");
    }
}
