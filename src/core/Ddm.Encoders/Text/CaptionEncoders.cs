using Ddm.Runs;
using Ddm.Tensors;

namespace Ddm.Encoders;

/// <summary>The encoders a spec can name under <c>text.encoder</c>.</summary>
public static class CaptionEncoders
{
    /// <summary>Whether the encoder learns from the data set: then <see cref="Prepare"/> needs its captions.</summary>
    public static bool NeedsCaptions(TextSpec spec) => spec.Encoder == TextSpec.Learned;

    /// <summary>What networks will see, as far as it is known before the data: a vocabulary may turn out smaller.</summary>
    /// <returns>Null where captions are no condition.</returns>
    /// <exception cref="UserErrorException">There is no such file, or it is of another network; the message names the tensor.</exception>
    public static TextShape? Expected(TextSpec spec, string root)
    {
        if (spec.Encoder != TextSpec.Clip)
        {
            return spec.Encoder is null ? null : new TextShape(spec.Places, spec.Width, spec.Vocabulary);
        }

        using var file = WeightFile.Open(Path.Combine(root, spec.Weights!));
        using var encoder = ClipCaptions.Open(file, spec.Places);
        return encoder.Shape;
    }

    /// <summary>Writes what <see cref="Open"/> takes: a vocabulary of the captions, or the published weights.</summary>
    /// <param name="spec">Which encoder.</param>
    /// <param name="root">The folder that the spec's paths are relative to.</param>
    /// <param name="captions">Those of the training rows; unused where <see cref="NeedsCaptions"/> is false.</param>
    /// <param name="target">Receives it.</param>
    /// <exception cref="UserErrorException">As for <see cref="Expected"/>; or there are no captions.</exception>
    public static void Prepare(TextSpec spec, string root, IEnumerable<string> captions, Stream target)
    {
        if (NeedsCaptions(spec))
        {
            using var vocabulary = TokenVocabulary.Fit(captions, spec);
            vocabulary.Save(target);
            return;
        }

        using var file = WeightFile.Open(Path.Combine(root, spec.Weights!));
        ClipCaptions.Open(file, spec.Places).Dispose();
        file.Save(target);
    }

    /// <summary>Copies an encoder that is not of this data: a published CLIP's, or another run's vocabulary.</summary>
    /// <param name="path">Its file or folder.</param>
    /// <param name="target">Receives what <see cref="Open"/> takes.</param>
    /// <param name="places">Places of a row; null: all that CLIP has. A vocabulary has its own.</param>
    /// <returns>What networks see of a caption.</returns>
    /// <exception cref="UserErrorException">There is no such file, or it is of another network; the message names the tensor.</exception>
    public static TextShape Copy(string path, Stream target, int? places = null)
    {
        using var file = WeightFile.Open(path, preferHeader: true);
        if (TokenVocabulary.Holds(file.Bundle))
        {
            using var vocabulary = TokenVocabulary.Load(file.Path, file.Bundle);
            vocabulary.Save(target);
            return vocabulary.Shape;
        }

        using var encoder = ClipCaptions.Open(file, places);
        file.Save(target);
        return encoder.Shape;
    }

    /// <summary>Opens a prepared encoder.</summary>
    /// <param name="places">Places of a row.</param>
    /// <param name="name">The blob that it was prepared in, for messages.</param>
    /// <param name="prepared">What <see cref="Prepare"/> wrote; still the caller's.</param>
    /// <exception cref="InvalidDataException">It is of no encoder.</exception>
    /// <exception cref="UserErrorException">It is of another network.</exception>
    public static ICaptionEncoder Open(int places, string name, TensorBundle prepared)
        => TokenVocabulary.Holds(prepared) ? TokenVocabulary.Load(name, prepared) : ClipCaptions.Open(WeightFile.From(name, prepared), places);
}
