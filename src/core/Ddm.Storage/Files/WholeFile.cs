using Ddm.Runs;

namespace Ddm.Storage;

/// <summary>Files outside any store that are there whole or not at all: written beside their place, flushed to the disk, renamed.</summary>
public static class WholeFile
{
    private const int BufferSize = 1 << 16;

    /// <summary>Writes a file in the place of one that may be there; makes the folder where it is missing.</summary>
    /// <param name="path">The file.</param>
    /// <param name="write">Writes its content.</param>
    /// <param name="option">The option by which a person chose the folder, for messages: <c>--out DIR</c>.</param>
    /// <exception cref="UserErrorException">The disk is full or read-only, or permission is missing; what was there is unchanged.</exception>
    public static void Write(string path, Action<Stream> write, string option)
    {
        var target = Path.GetFullPath(path);
        try
        {
            using var file = TemporaryFile.Create(target, BufferSize);
            write(file.Stream);
            file.Seal();
            file.Publish(target);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && WriteFault.ForPeople(e, Path.GetDirectoryName(target)!, target, option) is { } error)
        {
            throw error;
        }
    }
}
