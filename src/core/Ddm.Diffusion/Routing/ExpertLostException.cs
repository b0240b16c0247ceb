namespace Ddm.Diffusion;

/// <summary>Nobody who holds an expert could answer. Its rows are routed again, among the experts that are left.</summary>
public sealed class ExpertLostException(string message, Exception? inner = null) : Exception(message, inner);
