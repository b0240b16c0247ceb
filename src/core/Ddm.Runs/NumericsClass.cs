namespace Ddm.Runs;

/// <summary>
/// Everything besides spec, seed and step that decides the bits of a training step. Fixed for a role when its run is submitted and written
/// into every checkpoint; a worker that cannot match it declines the slice. Bit-exactness is promised within one class.
/// </summary>
/// <param name="Device">Device kind with the instruction set libtorch dispatches to: <c>cpu-avx512</c>, <c>cuda-sm80</c>.</param>
/// <param name="ComputeType">Type of the heavy arithmetic: <c>float32</c> or <c>bfloat16</c>. State is float32 always.</param>
/// <param name="MicroBatch">Rows of one forward and backward; the global batch is a sum over micro-batches.</param>
/// <param name="Threads">CPU threads of one operation; reductions split by it.</param>
/// <param name="Libraries">Versions that decide the arithmetic: <c>libtorch 2.10.0; TorchSharp 0.107.0</c>.</param>
/// <param name="Deterministic">False where the device has no deterministic kernels: then only the distribution is promised.</param>
public sealed record NumericsClass(string Device, string ComputeType, int MicroBatch, int Threads, string Libraries, bool Deterministic)
{
    /// <summary>
    /// Whether a worker of this class can compute in another: micro-batch and threads are set as asked, and a device that can do bfloat16 can do
    /// float32 as well.
    /// </summary>
    public bool Covers(NumericsClass asked) => asked == this with
    {
        MicroBatch = asked.MicroBatch,
        Threads = asked.Threads,
        ComputeType = asked.ComputeType == "float32" ? asked.ComputeType : ComputeType,
    };
}
