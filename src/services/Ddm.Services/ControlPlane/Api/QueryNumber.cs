using System.Globalization;
using Ddm.Runs;
using Microsoft.AspNetCore.Http;

namespace Ddm.Services;

/// <summary>A whole number in the query, held to its bounds by name.</summary>
internal static class QueryNumber
{
    /// <summary>The number; <paramref name="usual"/> where none is given.</summary>
    /// <exception cref="UserErrorException">It is no number, or out of bounds.</exception>
    public static int Read(HttpRequest request, string key, int usual, int least, int most)
    {
        if (request.Query[key] is not [{ Length: > 0 } text, ..] given)
        {
            return usual;
        }

        return given.Count == 1 && int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new UserErrorException(string.Create(
                CultureInfo.InvariantCulture, $"{key} '{Printable.Text(given.ToString())}' is no whole number from {least} to {most}."));
    }
}
