# JupyterLab with the guided notebooks; mount your reports read-only at /reports.
#   docker build -t mtasts-nb .
#   docker run --rm -p 127.0.0.1:8888:8888 -v "$PWD/reports:/reports:ro" mtasts-nb
# The command alone, for example from cron:
#   docker run --rm -v "$PWD/reports:/reports:ro" -v "$PWD/out:/out" mtasts-nb mtasts-nb report /reports -o /out/report.html
FROM python:3.12-slim
COPY requirements.lock /src/
RUN pip install --no-cache-dir --require-hashes -r /src/requirements.lock
COPY . /src/mtasts-nb
RUN pip install --no-cache-dir --no-deps --no-build-isolation /src/mtasts-nb && useradd --create-home reader
USER reader
WORKDIR /home/reader
RUN mtasts-nb notebooks notebooks
EXPOSE 8888
CMD ["jupyter", "lab", "--ip=0.0.0.0", "--no-browser", "--notebook-dir=notebooks"]
