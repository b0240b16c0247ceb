using Ddm.Runs;
using Ddm.Tensors;

namespace Ddm.Training;

/// <summary>What must be the same when a training of an autoencoder goes on, and going on.</summary>
internal static class VaeResume
{
    private const string Pictures = "pictures", Numerics = "numerics class";

    /// <summary>Settings, pictures and numerics class, for the header of the state's file.</summary>
    public static Dictionary<string, string> Facts(VaeSettings settings, string picturesSha256, NumericsClass numerics)
    {
        var facts = settings.Options().ToDictionary(option => option.Name, option => option.Value, StringComparer.Ordinal);
        facts[Pictures] = picturesSha256;
        facts[Numerics] = $"{numerics}";
        return facts;
    }

    /// <summary>Takes the state of an earlier process, where there is one.</summary>
    /// <param name="file">Its file.</param>
    /// <param name="state">Receives it.</param>
    /// <param name="facts">Those of this process.</param>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="UserErrorException">It is damaged, or was trained with other settings, on other pictures or in another numerics class.</exception>
    public static bool TryTake(string file, VaeState state, IReadOnlyDictionary<string, string> facts)
    {
        if (!File.Exists(file))
        {
            return false;
        }

        try
        {
            using var stream = File.OpenRead(file);
            using var bundle = TensorFile.Load(stream);
            RequireSame(file, bundle.Metadata, facts);
            state.Load(bundle);
            return true;
        }
        catch (Exception error) when (error is InvalidDataException or NotSupportedException or EndOfStreamException)
        {
            throw new UserErrorException($"{file} cannot be gone on from: {error.Message} Remove it to begin anew.", error);
        }
    }

    private static void RequireSame(string file, IReadOnlyDictionary<string, string> there, IReadOnlyDictionary<string, string> here)
    {
        var differences = here
            .Where(fact => there.GetValueOrDefault(fact.Key) != fact.Value)
            .Select(fact => $"  {fact.Key}: {there.GetValueOrDefault(fact.Key) ?? "none"} there, {fact.Value} now").ToArray();
        if (differences.Length > 0)
        {
            throw new UserErrorException(
                $"{file} is the state of another training:{Environment.NewLine}{string.Join(Environment.NewLine, differences)}{Environment.NewLine}"
                + "Give what is there to go on with it, another --out, or remove the file to begin anew.");
        }
    }
}
