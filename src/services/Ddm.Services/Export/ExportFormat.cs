namespace Ddm.Services;

/// <summary>How an exported model lies in its folder.</summary>
public enum ExportFormat
{
    /// <summary>As diffusers' pipelines: a folder for each part, with its weights and <c>config.json</c>.</summary>
    Diffusers,

    /// <summary>A safetensors file for each part, and one <c>model.json</c>.</summary>
    Safetensors,
}
