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
        void Save(Stream target) => ProductBlobs.WriteSealed(plain => shape = CaptionEncoders.Copy(path, plain, places), target); // as a run's own is published
        var hash = ImportedFile.Hash(Save);
        return new ImportedText(new ImportedFile(path, hash, Save), shape);
    }
}
