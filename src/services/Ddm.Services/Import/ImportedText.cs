using Ddm.Encoders;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>The encoder of captions of a model to import.</summary>
/// <param name="File">Its file.</param>
/// <param name="Shape">What networks see of a caption.</param>
internal sealed record ImportedText(ImportedFile File, TextShape Shape)
{
    /// <summary>Reads an encoder whole. For the device thread.</summary>
    /// <param name="path">Its file or folder.</param>
    /// <param name="places">Places of a caption; null: all that it has.</param>
    /// <exception cref="UserErrorException">As of <see cref="CaptionEncoders.Copy"/>.</exception>
    public static ImportedText Look(string path, int? places)
    {
        var shape = default(TextShape);
        var hash = ImportedFile.Hash(target => shape = CaptionEncoders.Copy(path, target, places));
        return new ImportedText(new ImportedFile(path, hash, target => CaptionEncoders.Copy(path, target, places)), shape);
    }
}
