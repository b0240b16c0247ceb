namespace Ddm.Services;

/// <summary>A worker from outside asked for what its key, its pool or its claim does not open: 403, with the reason.</summary>
internal sealed class OutsideRefusedException(string message) : Exception(message);
