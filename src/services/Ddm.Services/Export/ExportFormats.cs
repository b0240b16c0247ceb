using Ddm.Runs;

namespace Ddm.Services;

/// <summary>Names in exported folders.</summary>
public static class ExportFormats
{
    /// <summary>What says that a folder is an ensemble of folders.</summary>
    public const string FolderIndex = "model_index.json";

    /// <summary>What says that a folder is an ensemble of files.</summary>
    public const string FlatIndex = "model.json";

    /// <summary>Reads the name of a format.</summary>
    /// <exception cref="UserErrorException">It is none.</exception>
    public static ExportFormat Parse(string text) => text switch
    {
        "diffusers" => ExportFormat.Diffusers,
        "safetensors" => ExportFormat.Safetensors,
        _ => throw new UserErrorException($"--format '{Printable.Text(text)}' is not known: say diffusers (a folder for each network) or safetensors (a file for each)."),
    };

    /// <summary>The index of a format.</summary>
    public static string Index(ExportFormat format) => format == ExportFormat.Diffusers ? FolderIndex : FlatIndex;

    /// <summary>Path of a part's weights in the folder.</summary>
    internal static string Weights(ExportFormat format, ExportPart part) => format == ExportFormat.Diffusers ? Path.Combine(part.Name, part.File)
        : (part.Kind == ExportPartKind.Vocabulary ? "text_encoder" : part.Name) + ".safetensors";
}
